import type { ErrorOf, JsonOf, Posts, QueryOf, Sessions, Users, ValueOf } from "./endpoint.ts";

/**
 * The bodies, queries, values and errors of all operations, as the routes of the app type them. The build of the package of the
 * client writes each of these types out, so none has a type parameter.
 */

export type LogInBody = JsonOf<Sessions["$post"]>;
/** A session with its token, which no later answer contains. */
export type NewSession = ValueOf<Sessions["$post"]>;
export type LogInError = ErrorOf<Sessions["$post"]>;
export type LogOutError = ErrorOf<Sessions["$delete"]>;
export type Session = SessionsPage["items"][number];
export type SessionsQuery = QueryOf<Sessions["$get"]>;
export type SessionsPage = ValueOf<Sessions["$get"]>;
export type ListSessionsError = ErrorOf<Sessions["$get"]>;
export type EndSessionError = ErrorOf<Sessions[":id"]["$delete"]>;

export type RegisterBody = JsonOf<Users["$post"]>;
export type RegisterError = ErrorOf<Users["$post"]>;
export type User = ValueOf<Users[":id"]["$get"]>;
export type GetUserError = ErrorOf<Users[":id"]["$get"]>;
export type GetOwnUserError = ErrorOf<Users["me"]["$get"]>;
export type UsersQuery = QueryOf<Users["$get"]>;
export type UsersPage = ValueOf<Users["$get"]>;
export type ListUsersError = ErrorOf<Users["$get"]>;
export type UserChanges = JsonOf<Users[":id"]["$patch"]>;
export type UpdateUserError = ErrorOf<Users[":id"]["$patch"]>;
/** The fate of the posts, and the `currentPassword` of users who delete themselves. */
export type UserDeletion = QueryOf<Users[":id"]["$delete"]> & JsonOf<Users[":id"]["$delete"]>;
export type DeleteUserError = ErrorOf<Users[":id"]["$delete"]>;
export type PasswordChange = JsonOf<Users[":id"]["password"]["$put"]>;
export type ChangePasswordError = ErrorOf<Users[":id"]["password"]["$put"]>;
export type UserPostsQuery = Omit<QueryOf<Users[":id"]["posts"]["$get"]>, "fields">;
export type ListUserPostsError = ErrorOf<Users[":id"]["posts"]["$get"]>;

export type PostBody = JsonOf<Posts["$post"]>;
export type Post = ValueOf<Posts["$post"]>;
export type CreatePostError = ErrorOf<Posts["$post"]>;
export type PostsQuery = Omit<QueryOf<Posts["$get"]>, "fields">;
/** The fields of a listed post that depend on the query. */
export type ListedPostAdditions = Omit<ValueOf<Posts["$get"]>["items"][number], keyof Post>;
/** The parts of a page of posts beside its posts. */
export type PostsPageParts = Omit<ValueOf<Posts["$get"]>, "items">;
export type ListPostsError = ErrorOf<Posts["$get"]>;
export type PostQuery = Omit<QueryOf<Posts[":id"]["$get"]>, "fields">;
/** The fields of a single post that depend on the query. */
export type PostAdditions = Omit<ValueOf<Posts[":id"]["$get"]>, keyof Post>;
export type GetPostError = ErrorOf<Posts[":id"]["$get"]>;
export type PostChanges = JsonOf<Posts[":id"]["$patch"]>;
export type UpdatePostError = ErrorOf<Posts[":id"]["$patch"]>;
export type DeletePostError = ErrorOf<Posts[":id"]["$delete"]>;
export type PublishPostError = ErrorOf<Posts[":id"]["publish"]["$post"]>;
export type UnpublishPostError = ErrorOf<Posts[":id"]["unpublish"]["$post"]>;
