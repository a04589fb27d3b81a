import { describe, expect, it } from "vitest";
import type { UseCases } from "../../../src/application/application.ts";
import type { Post } from "../../../src/domain/post/post.ts";
import { abortSource, type AbortSignal } from "../../../src/domain/shared/abort-signal.ts";
import { parseSearchQuery } from "../../../src/domain/search/search-query.ts";
import { actorFor } from "../../../src/testing/fixtures.ts";
import { ALL_POSTS, openQuire, storedPublishedPost, WHOLE_LIST } from "./support.ts";

interface World {
  readonly app: UseCases;
  readonly post: Post;
  readonly signal: AbortSignal;
}

const { sort: _, ...CRITERIA } = ALL_POSTS;
const SEARCH = { ...CRITERIA, kind: "search", search: parseSearchQuery("words")._unsafeUnwrap() } as const;

/** The use cases that only read, with the methods that each of them calls. */
const READS: readonly (readonly [useCase: string, methods: readonly string[], call: (world: World) => unknown])[] = [
  ["authenticate", ["sessions.findByTokenDigest"], async ({ app, signal }) => app.authenticate("a token", signal)],
  ["getPost", ["posts.findById"], async ({ app, post, signal }) => app.getPost(null, post.id, signal)],
  ["listPosts", ["posts.list"], async ({ app, signal }) => app.listPosts(null, ALL_POSTS, WHOLE_LIST, signal)],
  ["searchPosts", ["posts.search"], async ({ app, signal }) => app.searchPosts(null, SEARCH, WHOLE_LIST, signal)],
  [
    "listPostsOfUser",
    ["users.findById", "posts.hasPublished", "posts.list"],
    async ({ app, post: { authorId }, signal }) =>
      app.listPostsOfUser(null, { ...ALL_POSTS, authorId }, WHOLE_LIST, signal),
  ],
  ["findAuthors", ["users.findById"], async ({ app, post, signal }) => app.findAuthors([post], signal)],
  [
    "getUser",
    ["users.findById", "posts.hasPublished"],
    async ({ app, post, signal }) => app.getUser(null, post.authorId, signal),
  ],
  ["listUsers", ["users.list"], async ({ app, signal }) => app.listUsers(null, WHOLE_LIST, signal)],
  [
    "listSessions",
    ["sessions.listByUser"],
    async ({ app, post, signal }) =>
      app.listSessions(actorFor({ id: post.authorId, role: "author" }), WHOLE_LIST, signal),
  ],
];

/** Notes every call of a repository, and whether it has the signal. */
function noted<Repository extends object>(
  name: string,
  real: Repository,
  signal: AbortSignal,
  calls: Map<string, boolean>,
): Partial<Repository> {
  const methods = new Map<string, unknown>(Object.entries(real));
  const noting = Array.from(methods, ([method, call]) => [
    method,
    async (...args: unknown[]) => {
      calls.set(`${name}.${method}`, args.includes(signal));
      return (call as (...args: unknown[]) => Promise<unknown>)(...args);
    },
  ]);
  return Object.fromEntries(noting) as Partial<Repository>;
}

describe("The signal of a request", () => {
  it.each(READS)("reaches every read of %s: %j", async (_useCase, methods, call) => {
    const { signal } = abortSource();
    const calls = new Map<string, boolean>();
    const quire = await openQuire({
      users: (real) => noted("users", real, signal, calls),
      posts: (real) => noted("posts", real, signal, calls),
      sessions: (real) => noted("sessions", real, signal, calls),
    });
    const post = await storedPublishedPost(quire, quire.author);
    await call({ app: quire.app, post, signal });
    expect(calls).toEqual(new Map(methods.map((method) => [method, true])));
  });
});
