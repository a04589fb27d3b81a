import { hc } from "hono/client";
import type { App } from "../http/app.ts";
import { call, listOf, textOf, type RequestOptions } from "./call.ts";
import type { Client, ClientOptions, PostCalls, SessionCalls, UserCalls } from "./client-types.ts";
import type { Posts, Sessions, Users } from "./endpoint.ts";
import type { PostOptions } from "./result.ts";
import { retryingFetch } from "./retrying-fetch.ts";

export type { Client, ClientOptions, ListedPost, OperationError, PostView } from "./client-types.ts";
export { excerptParts, type ExcerptPart } from "./excerpt.ts";
export type * from "./operations.ts";
export type {
  Aborted,
  CallOptions,
  ClientError,
  Failure,
  FieldError,
  List,
  ListFailure,
  NetworkError,
  Result,
  UnexpectedAnswer,
} from "./result.ts";

/** Longer than the default request timeout of a server. */
const TIMEOUT_MS = 70_000;
/** A server with a large database on a busy machine recovers from a crash within this time. */
const RETRY_FOR_MS = 30_000;

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
}: ClientOptions): Client {
  requireHttpUrl(url);
  let token = given;
  const { users, sessions, posts } = hc<App>(url, {
    buildSearchParams: textOf,
    fetch: retryingFetch({ fetch: fetch.bind(globalThis), timeoutMs, retryForMs }),
    headers: (): Record<string, string> => (token === null ? {} : { Authorization: `Bearer ${token}` }),
  }).v1;

  return {
    logIn: async (json, options) => {
      const result = await call(sessions.$post, { json }, keyed(options));
      if (result.ok) token = result.value.token;
      return result;
    },
    logOut: async (options) => {
      const result = await call(sessions.$delete, {}, options);
      if (result.ok || result.error.code === "invalid_session") token = null;
      return result;
    },
    sessions: sessionCalls(sessions),
    users: userCalls(users),
    posts: postCalls(posts),
  };
}

function sessionCalls(sessions: Sessions): SessionCalls {
  return {
    list: (query = {}, options) => listOf(sessions.$get, { query }, options),
    page: async (query = {}, options) => call(sessions.$get, { query }, options),
    end: async (id, options) => call(sessions[":id"].$delete, { param: { id } }, options),
  };
}

function userCalls(users: Users): UserCalls {
  return {
    register: async (json, options) => call(users.$post, { json }, keyed(options)),
    list: (query = {}, options) => listOf(users.$get, { query }, options),
    page: async (query = {}, options) => call(users.$get, { query }, options),
    get: async (id, options) => call(users[":id"].$get, { param: { id } }, options),
    me: async (options) => call(users.me.$get, {}, options),
    update: async ({ id, version }, json, options) =>
      call(users[":id"].$patch, { param: { id }, json }, unchanged(version, options)),
    delete: async ({ id, version }, { currentPassword, ...query } = {}, options) => {
      const json = currentPassword === undefined ? {} : { currentPassword };
      return call(users[":id"].$delete, { param: { id }, query, json }, unchanged(version, options));
    },
    changePassword: async (id, json, options) => call(users[":id"].password.$put, { param: { id }, json }, options),
    posts: (id, query = {}, options) => listOf(users[":id"].posts.$get, { param: { id }, query }, options),
    postsPage: async (id, query = {}, options) => call(users[":id"].posts.$get, { param: { id }, query }, options),
  };
}

function postCalls(posts: Posts): PostCalls {
  return {
    create: async (json, options) => call(posts.$post, { json }, keyed(options)),
    list: (query = {}, options) => listOf(posts.$get, { query }, options),
    page: async (query = {}, options) => call(posts.$get, { query }, options),
    get: async (id, query = {}, options) => call(posts[":id"].$get, { param: { id }, query }, options),
    update: async ({ id, version }, json, options) =>
      call(posts[":id"].$patch, { param: { id }, json }, unchanged(version, options)),
    delete: async ({ id, version }, options) =>
      call(posts[":id"].$delete, { param: { id } }, unchanged(version, options)),
    publish: async ({ id, version }, options) =>
      call(posts[":id"].publish.$post, { param: { id } }, unchanged(version, keyed(options))),
    unpublish: async ({ id, version }, options) =>
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
