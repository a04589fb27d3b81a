import { hc, type ClientResponse, type InferRequestType } from "hono/client";
import type { App } from "../http/app.ts";
import { carefulFetch } from "./careful-fetch.ts";
import { resultOf, type ErrorOf, type Result, type ValueOf } from "./result.ts";

export type { ErrorOf, NetworkError, Result, UnexpectedAnswer, ValueOf } from "./result.ts";

/** The operations of the API by their paths, as the app has them. */
type Operations = ReturnType<typeof hc<App>>["v1"];
type Posts = Operations["posts"];
type Users = Operations["users"];
type Sessions = Operations["sessions"];

export type Post = ValueOf<Posts[":id"]["$get"]>;
export type User = ValueOf<Users[":id"]["$get"]>;
export type Session = ValueOf<Sessions["$get"]>["items"][number];

type JsonOf<Endpoint> = InferRequestType<Endpoint> extends { json: infer Body } ? Body : never;
type QueryOf<Endpoint> = InferRequestType<Endpoint> extends { query: infer Query } ? Query : never;

/** A resource as it was read: a change of it fails with `precondition_failed` when others have changed it since. */
interface Versioned {
  readonly id: string;
  readonly version: number;
}

export interface ClientOptions {
  /** Where the server is, such as `http://127.0.0.1:3000`. */
  readonly url: string;
  /** Of a session that was opened before; `logIn` gives one. */
  readonly token?: string;
  readonly fetch?: typeof globalThis.fetch;
}

/** A client of a Quire server. It never throws: each call gives a {@link Result}. */
export function createClient({ url, token: given, fetch = globalThis.fetch }: ClientOptions) {
  let token = given ?? null;
  const { users, sessions, posts } = hc<App>(url, {
    fetch: carefulFetch(fetch.bind(globalThis)),
    headers: (): Record<string, string> => (token === null ? {} : { Authorization: `Bearer ${token}` }),
  }).v1;

  return {
    /** Opens a session, whose token is sent from then on. */
    logIn: async (json: JsonOf<Sessions["$post"]>) => {
      const result = await resultOf<Sessions["$post"]>(sessions.$post({ json }));
      if (result.ok) token = result.value.token;
      return result;
    },
    /** Ends the session that is used. */
    logOut: async () => {
      const result = await resultOf<Sessions["$delete"]>(sessions.$delete());
      if (result.ok) token = null;
      return result;
    },
    sessions: {
      list: (query: QueryOf<Sessions["$get"]> = {}) =>
        itemsOf<Sessions["$get"]>(async (page) => sessions.$get({ query: { ...query, ...page } })),
      end: async (id: string) => resultOf<Sessions[":id"]["$delete"]>(sessions[":id"].$delete({ param: { id } })),
    },
    users: {
      register: async (json: JsonOf<Users["$post"]>) => resultOf<Users["$post"]>(users.$post({ json })),
      list: (query: QueryOf<Users["$get"]> = {}) =>
        itemsOf<Users["$get"]>(async (page) => users.$get({ query: { ...query, ...page } })),
      get: async (id: string) => resultOf<Users[":id"]["$get"]>(users[":id"].$get({ param: { id } })),
      update: async (user: Versioned, json: JsonOf<Users[":id"]["$patch"]>) =>
        resultOf<Users[":id"]["$patch"]>(users[":id"].$patch({ param: { id: user.id }, json }, ifMatch(user))),
      delete: async (user: Versioned, query: QueryOf<Users[":id"]["$delete"]> = {}) =>
        resultOf<Users[":id"]["$delete"]>(users[":id"].$delete({ param: { id: user.id }, query }, ifMatch(user))),
      changePassword: async (id: string, json: JsonOf<Users[":id"]["password"]["$put"]>) =>
        resultOf<Users[":id"]["password"]["$put"]>(users[":id"].password.$put({ param: { id }, json })),
      posts: (id: string, query: QueryOf<Users[":id"]["posts"]["$get"]> = {}) =>
        itemsOf<Users[":id"]["posts"]["$get"]>(async (page) =>
          users[":id"].posts.$get({ param: { id }, query: { ...query, ...page } }),
        ),
    },
    posts: {
      create: async (json: JsonOf<Posts["$post"]>) => resultOf<Posts["$post"]>(posts.$post({ json })),
      list: (query: QueryOf<Posts["$get"]> = {}) =>
        itemsOf<Posts["$get"]>(async (page) => posts.$get({ query: { ...query, ...page } })),
      /** One page, with the cursors of those beside it. */
      page: async (query: QueryOf<Posts["$get"]> = {}) => resultOf<Posts["$get"]>(posts.$get({ query })),
      get: async (id: string) => resultOf<Posts[":id"]["$get"]>(posts[":id"].$get({ param: { id } })),
      update: async (post: Versioned, json: JsonOf<Posts[":id"]["$patch"]>) =>
        resultOf<Posts[":id"]["$patch"]>(posts[":id"].$patch({ param: { id: post.id }, json }, ifMatch(post))),
      delete: async (post: Versioned) =>
        resultOf<Posts[":id"]["$delete"]>(posts[":id"].$delete({ param: { id: post.id } }, ifMatch(post))),
      publish: async (id: string) =>
        resultOf<Posts[":id"]["publish"]["$post"]>(posts[":id"].publish.$post({ param: { id } })),
      unpublish: async (id: string) =>
        resultOf<Posts[":id"]["unpublish"]["$post"]>(posts[":id"].unpublish.$post({ param: { id } })),
    },
  };
}

/** The tag of the version that a resource was read with: of what one may change one sees all, so it is the full one. */
function ifMatch({ version }: Versioned) {
  return { headers: { "If-Match": `"${version}"` } };
}

type List = Posts["$get"] | Users["$get"] | Sessions["$get"] | Users[":id"]["posts"]["$get"];

/** The items of a list, which is read page by page as they are asked for; a failure is the last that it gives. */
async function* itemsOf<Endpoint extends List>(
  readPage: (page: { cursor?: string }) => Promise<ClientResponse<unknown>>,
): AsyncGenerator<Result<ValueOf<Endpoint>["items"][number], ErrorOf<Endpoint>>, void, void> {
  let cursor: string | null = null;
  do {
    const page: Result<ValueOf<Endpoint>, ErrorOf<Endpoint>> = await resultOf<Endpoint>(
      readPage(cursor === null ? {} : { cursor }),
    );
    if (!page.ok) {
      yield page;
      return;
    }
    for (const value of page.value.items) yield { ok: true, value };
    cursor = page.value.nextCursor;
  } while (cursor !== null);
}
