import type { Hono } from "hono";
import type { MergeSchemaPath } from "hono/types";
import { z } from "zod";
import type { HttpEnv } from "../environment.ts";
import type { ResponseHeader } from "./headers.ts";
import { type healthRoutes, LiveBody, ReadyBody } from "../routes/health.ts";
import { pageBody } from "../pagination.ts";
import { ListedPostBody, PostBody, PostViewBody, type postRoutes } from "../routes/posts.ts";
import { Problem, STORAGE_PROBLEMS, type ProblemKind } from "../problem.ts";
import { NewSessionBody, SessionBody, type sessionRoutes } from "../routes/sessions.ts";
import { UserBody, type userRoutes } from "../routes/users.ts";

/** The routes as they are mounted in the app. */
type Routes = Mounted<"/health", typeof healthRoutes> &
  Mounted<"/v1/users", typeof userRoutes> &
  Mounted<"/v1/sessions", typeof sessionRoutes> &
  Mounted<"/v1/posts", typeof postRoutes>;

type Mounted<Prefix extends string, Make extends (...dependencies: never[]) => unknown> =
  ReturnType<Make> extends Hono<HttpEnv, infer Schema> ? MergeSchemaPath<Schema, Prefix> : never;

type Path = keyof Routes;

/** A route of the app as `GET /v1/posts/:id`. */
export type OperationKey = {
  [P in Path]: keyof Routes[P] extends `$${infer Method}` ? `${Uppercase<Method>} ${P}` : never;
}[Path];

type EndpointOf<Key extends OperationKey> = Key extends `${infer Method} ${infer P extends Path}`
  ? Routes[P][`$${Lowercase<Method>}` & keyof Routes[P]]
  : never;

type OutputOf<Endpoint> = Endpoint extends { output: infer Body; status: infer Status } ? [Status, Body] : never;

interface ProblemOutput {
  readonly code: ProblemKind;
}

type ExampleOf<Input> = (Input extends { json: infer Body } ? { readonly body: Body } : object) &
  (Input extends { param: { id: string } } ? { readonly id: string } : object) &
  (Input extends { query: infer Query } ? { readonly query: Query } : object);

interface OperationOf<Endpoint> {
  /** The operationId. */
  readonly id: string;
  readonly tag: keyof typeof TAGS;
  readonly summary: string;
  readonly description?: string;
  /** A request that is answered with the example of the first answer. */
  readonly request: ExampleOf<Endpoint extends { input: infer Input } ? Input : never>;
  /** What is answered, by status; each that the handler may give, and no other. */
  readonly answers: {
    readonly [Answer in Exclude<OutputOf<Endpoint>, [unknown, ProblemOutput]> as Answer[0] & number]: AnswerOf<
      Answer[1]
    >;
  };
  /** The problems that the handler itself may end with; those of the middleware before it are found there. */
  readonly problems: readonly Extract<OutputOf<Endpoint>[1], ProblemOutput>["code"][];
}

type AnswerOf<Body> = {
  readonly description: string;
  readonly headers?: readonly ResponseHeader[];
} & (Body extends null ? unknown : { readonly body: z.ZodType<Body>; readonly example: Body });

export const TAGS = {
  Posts: "What authors write. A post is a draft, which its author and admins see, or published, which everybody does.",
  Sessions: "Log in to get a token, and send it as `Authorization: Bearer <token>`.",
  Users: "Authors and admins. Anybody may register as an author.",
  Health: "For operators: liveness and readiness checks.",
};

const AT = "2026-11-24T05:07:59.868Z";
const LATER = "2026-12-24T05:07:59.868Z";

/** What the examples are about. A test makes a server that has them, and asks it each. */
const EXAMPLES = {
  ada: "01a20bf4-26fc-75d5-aca3-f91ff88ea884",
  grace: "01a20bf4-2701-7c0e-8a4f-5b1b7f0c2d3e",
  session: "01a20bf4-2765-7192-b248-a662566da8be",
  token: "Uey5Te9_RdjF3fMJM-YgGMkj-tUYNjMd3PULU1hzwpQ",
  published: "01a20bf4-2807-77a5-9c8e-83516e0dcf92",
  draft: "01a20bf4-28aa-7e03-b1c4-0d9e6f5a4b3c",
  password: "correct horse battery staple",
  at: AT,
} as const;

const ADA = {
  id: EXAMPLES.ada,
  name: "Ada",
  email: "ada@example.org",
  role: "author",
  version: 1,
  createdAt: AT,
  updatedAt: AT,
} as const;

const GRACE = { ...ADA, id: EXAMPLES.grace, name: "Grace", email: "grace@example.org" } as const;

const PUBLISHED = {
  id: EXAMPLES.published,
  title: "Hello, world",
  content: "First words.",
  status: "published",
  authorId: EXAMPLES.ada,
  publishedAt: AT,
  version: 1,
  createdAt: AT,
  updatedAt: AT,
} as const;

const DRAFT = { ...PUBLISHED, id: EXAMPLES.draft, title: "A draft", status: "draft", publishedAt: null } as const;

const SESSION = { id: EXAMPLES.session, createdAt: AT, lastUsedAt: AT, expiresAt: LATER, current: true };

/** What a POST may end with because of its Idempotency-Key. */
const KEYED = ["idempotency_key_reused", "idempotency_key_in_use"] as const;

/** What an operation that hashes or compares a password may end with. */
const PASSWORD_PROBLEMS = ["password_hashing_failed", "password_hashing_busy"] as const;

/** The bodies of answers by the names that they have in the document. */
export const BODIES = z.registry<{ readonly id: string }>();

const Post = PostBody.register(BODIES, { id: "Post" });
const PostView = PostViewBody.register(BODIES, { id: "PostView" });
const PostPage = pageBody(ListedPostBody.register(BODIES, { id: "ListedPost" }))
  .extend({ total: z.int().nonnegative().exactOptional().meta({ description: "How many the list has in all." }) })
  .register(BODIES, { id: "PostPage" });
const User = UserBody.register(BODIES, { id: "User" });
const UserPage = pageBody(User).register(BODIES, { id: "UserPage" });
const NewSession = NewSessionBody.register(BODIES, { id: "NewSession" });
const SessionPage = pageBody(SessionBody.register(BODIES, { id: "Session" })).register(BODIES, { id: "SessionPage" });
const Live = LiveBody.register(BODIES, { id: "Live" });
const Ready = ReadyBody.register(BODIES, { id: "Ready" });
Problem.register(BODIES, { id: "Problem" });

const NOT_MODIFIED = { description: "What you have is what there is (If-None-Match).", headers: ["ETag"] } as const;
const IS_LIVE = { description: "The process answers.", body: Live, example: { status: "live" } } as const;
const IS_READY = {
  description: "Requests can be served.",
  body: Ready,
  example: {
    status: "ready",
    checks: { database: "ok", migrations: "ok" },
    durability: "fsync",
    writable: true,
    load: "normal",
  },
} as const;

/** Every route with what a reader wants to know of it. One that is left out, or an answer of it, does not compile. */
export const OPERATIONS: { readonly [Key in OperationKey]: OperationOf<EndpointOf<Key>> } = {
  "GET /v1/posts": {
    id: "listPosts",
    tag: "Posts",
    summary: "List or search posts",
    description:
      "Published posts and your own drafts, newest first; admins see all drafts. With `q` it is a search: the best hits come first, " +
      "and each post has an `excerpt`. Pages are stable while others write (keyset pagination), and a cursor belongs to the " +
      "filters and the sort of its list.",
    request: {
      query: {
        author: EXAMPLES.ada,
        status: "published",
        "published-after": "2026-11-24T00:00:00Z",
        "published-before": "2026-11-25T00:00:00+01:00",
        sort: "-published",
        include: "author",
        count: "true",
      },
    },
    answers: {
      200: {
        description: "A page of posts.",
        headers: ["ETag", "Link"],
        body: PostPage,
        example: {
          items: [{ ...PUBLISHED, author: { id: EXAMPLES.ada, name: "Ada" } }],
          nextCursor: null,
          previousCursor: null,
          total: 1,
        },
      },
      304: NOT_MODIFIED,
    },
    problems: [...STORAGE_PROBLEMS, "precondition_failed"],
  },
  "POST /v1/posts": {
    id: "createPost",
    tag: "Posts",
    summary: "Write a post",
    description: "`status` is `draft` unless you publish it at once. Admins who import posts give `publishedAt`.",
    request: { body: { title: "A draft", content: "First words." } },
    answers: {
      201: { description: "The new post.", headers: ["Location", "ETag"], body: Post, example: DRAFT },
    },
    problems: [
      ...STORAGE_PROBLEMS,
      ...KEYED,
      "forbidden",
      "content_required",
      "publication_in_future",
      "account_quota_exceeded",
    ],
  },
  "GET /v1/posts/:id": {
    id: "getPost",
    tag: "Posts",
    summary: "Read a post",
    description:
      "A draft is shown to its author and to admins; for everybody else it does not exist. With `fields` the post has these " +
      "and `id`, and no others; with `include=author` also its author.",
    request: { id: EXAMPLES.published, query: { include: "author" } },
    answers: {
      200: {
        description: "The post.",
        headers: ["ETag"],
        body: PostView,
        example: { ...PUBLISHED, author: { id: EXAMPLES.ada, name: "Ada" } },
      },
      304: NOT_MODIFIED,
    },
    problems: [...STORAGE_PROBLEMS, "post_not_found", "precondition_failed"],
  },
  "PATCH /v1/posts/:id": {
    id: "updatePost",
    tag: "Posts",
    summary: "Edit a post",
    description:
      "For its author and for admins; `publishedAt` of a published post is set by admins alone. What is left out stays as it is.",
    request: { id: EXAMPLES.published, body: { title: "Hello again" } },
    answers: {
      200: {
        description: "The post as it is now.",
        headers: ["ETag"],
        body: Post,
        example: { ...PUBLISHED, title: "Hello again", version: 2 },
      },
    },
    problems: [
      ...STORAGE_PROBLEMS,
      "post_not_found",
      "forbidden",
      "content_required",
      "post_not_published",
      "publication_in_future",
      "account_quota_exceeded",
      "precondition_failed",
      "version_conflict",
    ],
  },
  "DELETE /v1/posts/:id": {
    id: "deletePost",
    tag: "Posts",
    summary: "Delete a post",
    description: "For its author and for admins.",
    request: { id: EXAMPLES.published },
    answers: { 204: { description: "The post is gone." } },
    problems: [...STORAGE_PROBLEMS, "post_not_found", "forbidden", "precondition_failed", "version_conflict"],
  },
  "POST /v1/posts/:id/publish": {
    id: "publishPost",
    tag: "Posts",
    summary: "Publish a draft",
    description: "For its author and for admins. The content may not be blank.",
    request: { id: EXAMPLES.draft },
    answers: {
      200: {
        description: "The post, public from now on.",
        headers: ["ETag"],
        body: Post,
        example: { ...DRAFT, status: "published", publishedAt: AT, version: 2 },
      },
    },
    problems: [
      ...STORAGE_PROBLEMS,
      ...KEYED,
      "post_not_found",
      "forbidden",
      "post_already_published",
      "content_required",
      "account_quota_exceeded",
      "precondition_failed",
      "version_conflict",
    ],
  },
  "POST /v1/posts/:id/unpublish": {
    id: "unpublishPost",
    tag: "Posts",
    summary: "Unpublish a post",
    description: "Publishing it again gives it a new time of publication.",
    request: { id: EXAMPLES.published },
    answers: {
      200: {
        description: "The post, a draft again.",
        headers: ["ETag"],
        body: Post,
        example: { ...PUBLISHED, status: "draft", publishedAt: null, version: 2 },
      },
    },
    problems: [
      ...STORAGE_PROBLEMS,
      ...KEYED,
      "post_not_found",
      "forbidden",
      "post_not_published",
      "account_quota_exceeded",
      "precondition_failed",
      "version_conflict",
    ],
  },
  "GET /v1/users/:id/posts": {
    id: "listPostsOfUser",
    tag: "Posts",
    summary: "List an author's posts",
    description: "Those that you may see.",
    request: { id: EXAMPLES.ada, query: { sort: "-updated", fields: "title,updatedAt", count: "true" } },
    answers: {
      200: {
        description: "A page of posts.",
        headers: ["ETag", "Link"],
        body: PostPage,
        example: {
          items: [{ id: PUBLISHED.id, title: PUBLISHED.title, updatedAt: AT } as z.infer<typeof ListedPostBody>],
          nextCursor: null,
          previousCursor: null,
          total: 1,
        },
      },
      304: NOT_MODIFIED,
    },
    problems: [...STORAGE_PROBLEMS, "user_not_found", "precondition_failed"],
  },
  "POST /v1/sessions": {
    id: "logIn",
    tag: "Sessions",
    summary: "Log in",
    description: "The token is shown once. Send it as `Authorization: Bearer <token>`.",
    // Those that the example of registering has: both can be sent from /docs, one after the other.
    request: { body: { email: GRACE.email, password: EXAMPLES.password } },
    answers: {
      201: {
        description: "A session, and the token that proves it.",
        headers: ["Location"],
        body: NewSession,
        example: { id: EXAMPLES.session, token: EXAMPLES.token, expiresAt: LATER, user: GRACE },
      },
    },
    problems: [...STORAGE_PROBLEMS, ...KEYED, "invalid_session", "invalid_credentials", ...PASSWORD_PROBLEMS],
  },
  "GET /v1/sessions": {
    id: "listSessions",
    tag: "Sessions",
    summary: "List your active sessions",
    description:
      "Newest first. A session is active from its log-in until it is revoked or has not been used for some weeks.",
    request: { query: {} },
    answers: {
      200: {
        description: "A page of sessions; `current` is the one that asks.",
        headers: ["ETag", "Link"],
        body: SessionPage,
        example: { items: [SESSION], nextCursor: null, previousCursor: null },
      },
      304: NOT_MODIFIED,
    },
    problems: [...STORAGE_PROBLEMS, "precondition_failed"],
  },
  "DELETE /v1/sessions": {
    id: "logOut",
    tag: "Sessions",
    summary: "Log out",
    description: "Revokes the session whose token the request has.",
    request: {},
    answers: { 204: { description: "The session that asked has ended." } },
    problems: STORAGE_PROBLEMS,
  },
  "DELETE /v1/sessions/:id": {
    id: "revokeSession",
    tag: "Sessions",
    summary: "Revoke one of your sessions",
    description: "Log out another device: its token is refused from now on.",
    request: { id: EXAMPLES.session },
    answers: { 204: { description: "The session has ended." } },
    problems: [...STORAGE_PROBLEMS, "session_not_found"],
  },
  "POST /v1/users": {
    id: "registerUser",
    tag: "Users",
    summary: "Register, or create a user as an admin",
    description:
      "Anybody may become an author, unless the operator has closed registration (QUIRE_REGISTRATION); admins create users " +
      "always, and may give a `role`. Log in afterwards to get a token.",
    request: { body: { name: "Grace", email: "grace@example.org", password: EXAMPLES.password } },
    answers: {
      201: { description: "The new user.", headers: ["Location", "ETag"], body: User, example: GRACE },
    },
    problems: [
      ...STORAGE_PROBLEMS,
      ...KEYED,
      "invalid_session",
      "registration_closed",
      "forbidden",
      "email_taken",
      ...PASSWORD_PROBLEMS,
    ],
  },
  "GET /v1/users": {
    id: "listUsers",
    tag: "Users",
    summary: "List the authors, newest first",
    description:
      "The users who have a published post; admins see all. `email` and `role` are null but for yourself and for admins.",
    request: { query: {} },
    answers: {
      200: {
        description: "A page of users.",
        headers: ["ETag", "Link"],
        body: UserPage,
        example: {
          items: [{ ...ADA, email: null, role: null }],
          nextCursor: null,
          previousCursor: null,
        },
      },
      304: NOT_MODIFIED,
    },
    problems: [...STORAGE_PROBLEMS, "precondition_failed"],
  },
  "GET /v1/users/me": {
    id: "getOwnUser",
    tag: "Users",
    summary: "Read yourself",
    description: "The user of the session that asks.",
    request: {},
    answers: {
      200: { description: "You.", headers: ["ETag"], body: User, example: ADA },
      304: NOT_MODIFIED,
    },
    problems: [...STORAGE_PROBLEMS, "user_not_found", "precondition_failed"],
  },
  "GET /v1/users/:id": {
    id: "getUser",
    tag: "Users",
    summary: "Read a user",
    description:
      "A user without a published post is found by themself and by admins only. `email` and `role` are null but for " +
      "yourself and for admins.",
    request: { id: EXAMPLES.ada },
    answers: {
      200: { description: "The user.", headers: ["ETag"], body: User, example: { ...ADA, email: null, role: null } },
      304: NOT_MODIFIED,
    },
    problems: [...STORAGE_PROBLEMS, "user_not_found", "precondition_failed"],
  },
  "PATCH /v1/users/:id": {
    id: "updateUser",
    tag: "Users",
    summary: "Change a user",
    description:
      "For the user and for admins; `role` is given by admins alone. A user who changes their own `email` gives " +
      "`currentPassword` too, and a changed `email` ends the user's other sessions. What is left out stays as it is.",
    request: { id: EXAMPLES.ada, body: { name: "Ada Lovelace" } },
    answers: {
      200: {
        description: "The user as they are now.",
        headers: ["ETag"],
        body: User,
        example: { ...ADA, name: "Ada Lovelace", version: 2 },
      },
    },
    problems: [
      ...STORAGE_PROBLEMS,
      "user_not_found",
      "forbidden",
      "wrong_password",
      "current_password_required",
      "email_taken",
      "last_admin",
      "precondition_failed",
      "version_conflict",
      ...PASSWORD_PROBLEMS,
    ],
  },
  "DELETE /v1/users/:id": {
    id: "deleteUser",
    tag: "Users",
    summary: "Delete a user",
    description:
      "For the user, who gives `currentPassword`, and for admins, who need not for others. A user who has posts is deleted " +
      "only where `posts` says what becomes of them; admins alone reassign them. The user is gone at once; their posts are " +
      "deleted or given away one batch after the other, and are shown until then. The answer waits for that for some " +
      "seconds; what takes longer goes on without the request, after a restart of the server too.",
    request: { id: EXAMPLES.ada, query: { posts: "delete" }, body: { currentPassword: EXAMPLES.password } },
    answers: {
      204: { description: "The user is gone, with their sessions, and their posts are deleted or given away." },
      202: { description: "The user is gone, with their sessions. Their posts are being deleted or given away." },
    },
    problems: [
      ...STORAGE_PROBLEMS,
      "user_not_found",
      "forbidden",
      "wrong_password",
      "current_password_required",
      "user_has_posts",
      "new_author_unfit",
      "last_admin",
      "precondition_failed",
      "version_conflict",
      ...PASSWORD_PROBLEMS,
    ],
  },
  "PUT /v1/users/:id/password": {
    id: "changePassword",
    tag: "Users",
    summary: "Change a password",
    description:
      "For the user, who gives the current one, and for admins, who need not for others. It ends the user's other sessions.",
    request: {
      id: EXAMPLES.ada,
      body: { currentPassword: EXAMPLES.password, newPassword: "another horse entirely" },
    },
    answers: { 204: { description: "The password is changed." } },
    problems: [
      ...STORAGE_PROBLEMS,
      "user_not_found",
      "forbidden",
      "wrong_password",
      "current_password_required",
      "last_admin",
      "version_conflict",
      ...PASSWORD_PROBLEMS,
    ],
  },
  "GET /health/live": {
    id: "isLive",
    tag: "Health",
    summary: "Check liveness",
    description: "The liveness check of an orchestrator: it does not ask the database.",
    request: {},
    answers: { 200: IS_LIVE },
    problems: [],
  },
  "GET /health/ready": {
    id: "isReady",
    tag: "Health",
    summary: "Check readiness",
    description: "The readiness check of a load balancer: the database answers and its schema is up to date.",
    request: {},
    answers: { 200: IS_READY },
    problems: [...STORAGE_PROBLEMS, "schema_outdated"],
  },
};
