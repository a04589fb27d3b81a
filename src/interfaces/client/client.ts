import { hc } from "hono/client";
import type { App } from "../http/app.ts";
import { call, listOf, textOf, type ArgsOf, type CallOptions, type List, type RequestOptions } from "./call.ts";
import type { Aborted, Endpoint, ErrorOf, NetworkError, Result, UnexpectedAnswer, ValueOf } from "./result.ts";
import { retryingFetch } from "./retrying-fetch.ts";

export type { CallOptions, List, ListFailure } from "./call.ts";
export { excerptParts, type ExcerptPart } from "./excerpt.ts";
export type { Aborted, Failure, NetworkError, Result, UnexpectedAnswer } from "./result.ts";

/** The operations of the API by path, as the app types them. */
type Operations = ReturnType<typeof hc<App>>["v1"];
type Posts = Operations["posts"];
type Users = Operations["users"];
type Sessions = Operations["sessions"];

type JsonOf<Its extends Endpoint> = ArgsOf<Its> extends { readonly json: infer Body } ? Body : never;
type QueryOf<Its extends Endpoint> = ArgsOf<Its> extends { readonly query: infer Query } ? Query : never;

/** With `fields`, posts have only these fields and the additions of the query. */
type PostsQueryOf<List extends Endpoint, Field> = Omit<QueryOf<List>, "fields"> & {
  readonly fields?: readonly Field[];
};
type Picked<Field extends keyof Post> = Pick<Post, Field | "id"> &
  Omit<ValueOf<Posts["$get"]>["items"][number], keyof Post>;
type PickedPost<Field extends keyof Post> = Pick<Post, Field | "id"> & Omit<ValueOf<Posts[":id"]["$get"]>, keyof Post>;
type DeletionOf<Its extends Endpoint> = QueryOf<Its> & JsonOf<Its>;
type PageOf<Item> = Omit<ValueOf<Posts["$get"]>, "items"> & { readonly items: readonly Item[] };
type Picks<Its extends Endpoint, Field extends keyof Post> = List<Picked<Field>, ErrorOf<Its>>;

export type Post = ValueOf<Posts["$post"]>;
/** A post that was fetched by its id. It has `author` if the query includes it. */
export type PostView = PickedPost<keyof Post>;
export type ListedPost = Picked<keyof Post>;
export type User = ValueOf<Users[":id"]["$get"]>;
export type Session = ValueOf<Sessions["$get"]>["items"][number];

/** A resource as it was read. A change fails with `precondition_failed` if the resource has changed since. */
interface Versioned {
  readonly id: string;
  readonly version: number;
}

/** Options of a POST. After all retries have failed, call it again with the same key: it takes effect once. */
interface PostOptions extends CallOptions {
  /** 16 to 255 visible characters that cannot be guessed. By default each POST gets a new random key. */
  readonly idempotencyKey?: string;
}

/** Longer than the default request timeout of a server. */
const TIMEOUT_MS = 70_000;
/** A server with a large database on a busy machine recovers from a crash within this time. */
const RETRY_FOR_MS = 30_000;

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

export type Client = ReturnType<typeof createClient>;

/** The errors that the client reports itself, because it has no answer of the server. */
export type ClientError = NetworkError | Aborted | UnexpectedAnswer;

/** The errors of an operation, such as `OperationError<Client["posts"]["create"]>`. */
export type OperationError<Operation extends (...args: never) => Promise<Result<unknown, unknown>>> = Extract<
  Awaited<ReturnType<Operation>>,
  { readonly ok: false }
>["error"];

/** A wrong `url` is a mistake of the program, which no retry corrects. */
function requireHttpUrl(url: string): void {
  if (/^https?:\/\//i.test(url) && URL.canParse(url)) return;
  throw new TypeError("createClient needs the url of a server, such as http://127.0.0.1:3000.");
}

/** A client of a Quire server. Its calls never throw: each returns a `Result`. An invalid `url` throws immediately. */
export function createClient({
  url,
  token: given = null,
  timeoutMs = TIMEOUT_MS,
  retryForMs = RETRY_FOR_MS,
  fetch = globalThis.fetch,
}: ClientOptions) {
  requireHttpUrl(url);
  let token = given;
  const { users, sessions, posts } = hc<App>(url, {
    buildSearchParams: textOf,
    fetch: retryingFetch({ fetch: fetch.bind(globalThis), timeoutMs, retryForMs }),
    headers: (): Record<string, string> => (token === null ? {} : { Authorization: `Bearer ${token}` }),
  }).v1;

  return {
    /** Opens a session. Later calls send its token. */
    logIn: async (json: JsonOf<Sessions["$post"]>, options?: PostOptions) => {
      const result = await call(sessions.$post, { json }, keyed(options));
      if (result.ok) token = result.value.token;
      return result;
    },
    /** Ends the current session and drops its token, even if the session had ended already. */
    logOut: async (options?: CallOptions) => {
      const result = await call(sessions.$delete, {}, options);
      if (result.ok || result.error.code === "invalid_session") token = null;
      return result;
    },
    sessions: sessionCalls(sessions),
    users: userCalls(users),
    posts: postCalls(posts),
  };
}

function sessionCalls(sessions: Sessions) {
  return {
    list: (query: QueryOf<Sessions["$get"]> = {}, options?: CallOptions) => listOf(sessions.$get, { query }, options),
    page: async (query: QueryOf<Sessions["$get"]> = {}, options?: CallOptions) =>
      call(sessions.$get, { query }, options),
    end: async (id: string, options?: CallOptions) => call(sessions[":id"].$delete, { param: { id } }, options),
  };
}

function userCalls(users: Users) {
  return {
    register: async (json: JsonOf<Users["$post"]>, options?: PostOptions) =>
      call(users.$post, { json }, keyed(options)),
    list: (query: QueryOf<Users["$get"]> = {}, options?: CallOptions) => listOf(users.$get, { query }, options),
    page: async (query: QueryOf<Users["$get"]> = {}, options?: CallOptions) => call(users.$get, { query }, options),
    get: async (id: string, options?: CallOptions) => call(users[":id"].$get, { param: { id } }, options),
    /** The user of the current session. */
    me: async (options?: CallOptions) => call(users.me.$get, {}, options),
    update: async ({ id, version }: Versioned, json: JsonOf<Users[":id"]["$patch"]>, options?: CallOptions) =>
      call(users[":id"].$patch, { param: { id }, json }, unchanged(version, options)),
    /** Users who delete themselves give their `currentPassword`. */
    delete: async (
      { id, version }: Versioned,
      { currentPassword, ...query }: DeletionOf<Users[":id"]["$delete"]> = {},
      options?: CallOptions,
    ) => {
      const json = currentPassword === undefined ? {} : { currentPassword };
      return call(users[":id"].$delete, { param: { id }, query, json }, unchanged(version, options));
    },
    changePassword: async (id: string, json: JsonOf<Users[":id"]["password"]["$put"]>, options?: CallOptions) =>
      call(users[":id"].password.$put, { param: { id }, json }, options),
    posts: <Field extends keyof Post = keyof Post>(
      id: string,
      query: PostsQueryOf<Users[":id"]["posts"]["$get"], Field> = {},
      options?: CallOptions,
    ): Picks<Users[":id"]["posts"]["$get"], Field> =>
      listOf<Users[":id"]["posts"]["$get"], Picked<Field>>(users[":id"].posts.$get, { param: { id }, query }, options),
    postsPage: async <Field extends keyof Post = keyof Post>(
      id: string,
      query: PostsQueryOf<Users[":id"]["posts"]["$get"], Field> = {},
      options?: CallOptions,
    ): Promise<Result<PageOf<Picked<Field>>, ErrorOf<Users[":id"]["posts"]["$get"]>>> =>
      call(users[":id"].posts.$get, { param: { id }, query }, options),
  };
}

function postCalls(posts: Posts) {
  return {
    create: async (json: JsonOf<Posts["$post"]>, options?: PostOptions) => call(posts.$post, { json }, keyed(options)),
    list: <Field extends keyof Post = keyof Post>(
      query: PostsQueryOf<Posts["$get"], Field> = {},
      options?: CallOptions,
    ): Picks<Posts["$get"], Field> => listOf(posts.$get, { query }, options),
    /** One page, with the cursors of the previous and the next page. */
    page: async <Field extends keyof Post = keyof Post>(
      query: PostsQueryOf<Posts["$get"], Field> = {},
      options?: CallOptions,
    ): Promise<Result<PageOf<Picked<Field>>, ErrorOf<Posts["$get"]>>> => call(posts.$get, { query }, options),
    get: async <Field extends keyof Post = keyof Post>(
      id: string,
      query: PostsQueryOf<Posts[":id"]["$get"], Field> = {},
      options?: CallOptions,
    ): Promise<Result<PickedPost<Field>, ErrorOf<Posts[":id"]["$get"]>>> =>
      call(posts[":id"].$get, { param: { id }, query }, options),
    update: async ({ id, version }: Versioned, json: JsonOf<Posts[":id"]["$patch"]>, options?: CallOptions) =>
      call(posts[":id"].$patch, { param: { id }, json }, unchanged(version, options)),
    delete: async ({ id, version }: Versioned, options?: CallOptions) =>
      call(posts[":id"].$delete, { param: { id } }, unchanged(version, options)),
    publish: async ({ id, version }: Versioned, options?: PostOptions) =>
      call(posts[":id"].publish.$post, { param: { id } }, unchanged(version, keyed(options))),
    unpublish: async ({ id, version }: Versioned, options?: PostOptions) =>
      call(posts[":id"].unpublish.$post, { param: { id } }, unchanged(version, keyed(options))),
  };
}

/**
 * Sends the ETag of the version that was read. Users see all fields of the resources that they may change, so it is the
 * tag of the full representation.
 */
function unchanged(version: number, options?: RequestOptions): RequestOptions {
  return { ...options, headers: { ...options?.headers, "If-Match": `"${version}"` } };
}

function keyed({ idempotencyKey, ...options }: PostOptions = {}): RequestOptions {
  return idempotencyKey === undefined ? options : { ...options, headers: { "Idempotency-Key": `"${idempotencyKey}"` } };
}
