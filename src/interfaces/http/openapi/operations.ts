import type { ExtractSchema, MergeSchemaPath, Schema } from "hono/types";
import { Problem } from "../problem/problem.ts";
import { type healthRoutes, isLiveOperation, isReadyOperation } from "../routes/health.ts";
import { deletePostOperation, updatePostOperation } from "../routes/posts/change-post.ts";
import { createPostOperation } from "../routes/posts/create-post.ts";
import { getPostOperation } from "../routes/posts/get-post.ts";
import { listPostsOfUserOperation } from "../routes/posts/list-posts-of-user.ts";
import { listPostsOperation } from "../routes/posts/list-posts.ts";
import type { postRoutes } from "../routes/posts/post-routes.ts";
import { publishPostOperation, unpublishPostOperation } from "../routes/posts/publish-post.ts";
import { logOutOperation, revokeSessionOperation } from "../routes/sessions/end-sessions.ts";
import { listSessionsOperation } from "../routes/sessions/list-sessions.ts";
import { logInOperation } from "../routes/sessions/log-in.ts";
import type { sessionRoutes } from "../routes/sessions/session-routes.ts";
import { changePasswordOperation } from "../routes/users/change-password.ts";
import { deleteUserOperation } from "../routes/users/delete-user.ts";
import { getOwnUserOperation, getUserOperation, listUsersOperation } from "../routes/users/read-users.ts";
import { registerUserOperation } from "../routes/users/register-user.ts";
import { updateUserOperation } from "../routes/users/update-user.ts";
import type { userRoutes } from "../routes/users/user-routes.ts";
import { BODIES } from "./bodies.ts";
import type { MakeRoute, OperationOf } from "./operation.ts";

Problem.register(BODIES, { id: "Problem" });

/** The routes as the app mounts them. */
type Routes = Mounted<"/health", typeof healthRoutes> &
  Mounted<"/v1/users", typeof userRoutes> &
  Mounted<"/v1/sessions", typeof sessionRoutes> &
  Mounted<"/v1/posts", typeof postRoutes>;

type Mounted<Prefix extends string, Make extends MakeRoute> =
  ExtractSchema<ReturnType<Make>> extends infer All extends Schema ? MergeSchemaPath<All, Prefix> : never;

type Path = keyof Routes;

/** A route of the app as `GET /v1/posts/:id`. */
export type OperationKey = {
  [P in Path]: keyof Routes[P] extends `$${infer Method}` ? `${Uppercase<Method>} ${P}` : never;
}[Path];

type EndpointOf<Key extends OperationKey> = Key extends `${infer Method} ${infer P extends Path}`
  ? Routes[P][`$${Lowercase<Method>}` & keyof Routes[P]]
  : never;

/** Every route of the app with its description, in the order of the document. A route that is left out does not compile. */
export const OPERATIONS: { readonly [Key in OperationKey]: OperationOf<EndpointOf<Key>> } = {
  "GET /v1/posts": listPostsOperation,
  "POST /v1/posts": createPostOperation,
  "GET /v1/posts/:id": getPostOperation,
  "PATCH /v1/posts/:id": updatePostOperation,
  "DELETE /v1/posts/:id": deletePostOperation,
  "POST /v1/posts/:id/publish": publishPostOperation,
  "POST /v1/posts/:id/unpublish": unpublishPostOperation,
  "GET /v1/users/:id/posts": listPostsOfUserOperation,
  "POST /v1/sessions": logInOperation,
  "GET /v1/sessions": listSessionsOperation,
  "DELETE /v1/sessions": logOutOperation,
  "DELETE /v1/sessions/:id": revokeSessionOperation,
  "POST /v1/users": registerUserOperation,
  "GET /v1/users": listUsersOperation,
  "GET /v1/users/me": getOwnUserOperation,
  "GET /v1/users/:id": getUserOperation,
  "PATCH /v1/users/:id": updateUserOperation,
  "DELETE /v1/users/:id": deleteUserOperation,
  "PUT /v1/users/:id/password": changePasswordOperation,
  "GET /health/live": isLiveOperation,
  "GET /health/ready": isReadyOperation,
};
