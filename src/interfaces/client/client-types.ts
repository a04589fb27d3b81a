import type {
  ChangePasswordError,
  CreatePostError,
  DeletePostError,
  DeleteUserError,
  EndSessionError,
  GetOwnUserError,
  GetPostError,
  GetUserError,
  ListedPostAdditions,
  ListPostsError,
  ListSessionsError,
  ListUserPostsError,
  ListUsersError,
  LogInBody,
  LogInError,
  LogOutError,
  NewSession,
  PasswordChange,
  Post,
  PostAdditions,
  PostBody,
  PostChanges,
  PostQuery,
  PostsPageParts,
  PostsQuery,
  PublishPostError,
  RegisterBody,
  RegisterError,
  Session,
  SessionsPage,
  SessionsQuery,
  UnpublishPostError,
  UpdatePostError,
  UpdateUserError,
  User,
  UserChanges,
  UserDeletion,
  UserPostsQuery,
  UsersPage,
  UsersQuery,
} from "./operations.ts";
import type { CallOptions, List, PostOptions, Result } from "./result.ts";

/** With `fields`, posts have only these fields and the additions of the query. */
interface Fields<Field> {
  readonly fields?: readonly Field[];
}
type Picked<Field extends keyof Post> = Pick<Post, Field | "id"> & ListedPostAdditions;
type PickedPost<Field extends keyof Post> = Pick<Post, Field | "id"> & PostAdditions;
type PostsPage<Field extends keyof Post> = PostsPageParts & { readonly items: readonly Picked<Field>[] };

/** A post that was fetched by its id. It has `author` if the query includes it. */
export type PostView = PickedPost<keyof Post>;
export type ListedPost = Picked<keyof Post>;

/** A resource as it was read. A change fails with `precondition_failed` if the resource has changed since. */
export interface Versioned {
  readonly id: string;
  readonly version: number;
}

export interface ClientOptions {
  /** The URL of the server, such as `http://127.0.0.1:3000`. */
  readonly url: string;
  /** The token of an earlier session, as `logIn` returned it. */
  readonly token?: string | null;
  /** The timeout of each attempt; 70 seconds by default. */
  readonly timeoutMs?: number;
  /**
   * Reads, and POSTs by their key, are retried until this time after the first attempt. The default is 30 seconds, so
   * that callers do not notice a restart of the server. 0 means a single attempt.
   */
  readonly retryForMs?: number;
  readonly fetch?: typeof globalThis.fetch;
}

/** The calls of the API. None of them throws: each returns a `Result`. */
export interface Client {
  /** Opens a session. Later calls send its token. */
  readonly logIn: (json: LogInBody, options?: PostOptions) => Promise<Result<NewSession, LogInError>>;
  /** Ends the current session and drops its token, even if the session had ended already. */
  readonly logOut: (options?: CallOptions) => Promise<Result<null, LogOutError>>;
  readonly sessions: SessionCalls;
  readonly users: UserCalls;
  readonly posts: PostCalls;
}

export interface SessionCalls {
  readonly list: (query?: SessionsQuery, options?: CallOptions) => List<Session, ListSessionsError>;
  readonly page: (query?: SessionsQuery, options?: CallOptions) => Promise<Result<SessionsPage, ListSessionsError>>;
  readonly end: (id: string, options?: CallOptions) => Promise<Result<null, EndSessionError>>;
}

export interface UserCalls {
  readonly register: (json: RegisterBody, options?: PostOptions) => Promise<Result<User, RegisterError>>;
  readonly list: (query?: UsersQuery, options?: CallOptions) => List<User, ListUsersError>;
  readonly page: (query?: UsersQuery, options?: CallOptions) => Promise<Result<UsersPage, ListUsersError>>;
  readonly get: (id: string, options?: CallOptions) => Promise<Result<User, GetUserError>>;
  /** The user of the current session. */
  readonly me: (options?: CallOptions) => Promise<Result<User, GetOwnUserError>>;
  readonly update: (
    user: Versioned,
    json: UserChanges,
    options?: CallOptions,
  ) => Promise<Result<User, UpdateUserError>>;
  /** Users who delete themselves give their `currentPassword`. */
  readonly delete: (
    user: Versioned,
    deletion?: UserDeletion,
    options?: CallOptions,
  ) => Promise<Result<null, DeleteUserError>>;
  readonly changePassword: (
    id: string,
    json: PasswordChange,
    options?: CallOptions,
  ) => Promise<Result<null, ChangePasswordError>>;
  readonly posts: <Field extends keyof Post = keyof Post>(
    id: string,
    query?: UserPostsQuery & Fields<Field>,
    options?: CallOptions,
  ) => List<Picked<Field>, ListUserPostsError>;
  readonly postsPage: <Field extends keyof Post = keyof Post>(
    id: string,
    query?: UserPostsQuery & Fields<Field>,
    options?: CallOptions,
  ) => Promise<Result<PostsPage<Field>, ListUserPostsError>>;
}

export interface PostCalls {
  readonly create: (json: PostBody, options?: PostOptions) => Promise<Result<Post, CreatePostError>>;
  readonly list: <Field extends keyof Post = keyof Post>(
    query?: PostsQuery & Fields<Field>,
    options?: CallOptions,
  ) => List<Picked<Field>, ListPostsError>;
  /** One page, with the cursors of the previous and the next page. */
  readonly page: <Field extends keyof Post = keyof Post>(
    query?: PostsQuery & Fields<Field>,
    options?: CallOptions,
  ) => Promise<Result<PostsPage<Field>, ListPostsError>>;
  readonly get: <Field extends keyof Post = keyof Post>(
    id: string,
    query?: PostQuery & Fields<Field>,
    options?: CallOptions,
  ) => Promise<Result<PickedPost<Field>, GetPostError>>;
  readonly update: (
    post: Versioned,
    json: PostChanges,
    options?: CallOptions,
  ) => Promise<Result<Post, UpdatePostError>>;
  readonly delete: (post: Versioned, options?: CallOptions) => Promise<Result<null, DeletePostError>>;
  readonly publish: (post: Versioned, options?: PostOptions) => Promise<Result<Post, PublishPostError>>;
  readonly unpublish: (post: Versioned, options?: PostOptions) => Promise<Result<Post, UnpublishPostError>>;
}

/** The errors of an operation, such as `OperationError<Client["posts"]["create"]>`. */
export type OperationError<Operation extends (...args: never) => Promise<Result<unknown, unknown>>> = Extract<
  Awaited<ReturnType<Operation>>,
  { readonly ok: false }
>["error"];
