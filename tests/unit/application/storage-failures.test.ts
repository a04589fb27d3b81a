import type { Result } from "neverthrow";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { UseCases } from "../../../src/application/application.ts";
import type { Actor } from "../../../src/domain/access.ts";
import type { Post } from "../../../src/domain/post/post.ts";
import { parseSearchQuery } from "../../../src/domain/search/search-query.ts";
import { actorFor, aUser, content, email, name, password, title } from "../../../src/testing/fixtures.ts";
import {
  contentsOf,
  hashOf,
  IDLE_MS,
  openQuire,
  OUTAGE,
  outage,
  PASSWORD,
  signIn,
  storedDraft,
  storedPublishedPost,
  ALL_POSTS,
  WHOLE_LIST,
  type Overrides,
} from "./support.ts";

interface World {
  readonly app: UseCases;
  readonly actor: Actor;
  readonly admin: Actor;
  readonly secondAdmin: Actor;
  readonly token: string;
  readonly draft: Post;
  readonly published: Post;
}

type Call = (world: World) => Promise<Result<unknown, { readonly kind: string }>>;

const newcomer = { name: name("Grace"), email: email("grace@example.org"), password: password("a secret of hers") };
const expected = null;
const { sort: _, ...CRITERIA } = ALL_POSTS;
const SEARCH = { ...CRITERIA, kind: "search", search: parseSearchQuery("words")._unsafeUnwrap() } as const;

const CALLS = [
  ["registerUser", ["users.insert"], async ({ app }) => app.registerUser(null, newcomer, null)],
  ["createUser", ["users.insert"], async ({ app }) => app.createUser({ ...newcomer, role: "admin" })],
  ["ensureAdmin", ["users.hasAdmin"], async ({ app }) => app.ensureAdmin(newcomer)],
  ["getUser", ["users.findById", "posts.hasPublished"], async ({ app, actor }) => app.getUser(null, actor.userId)],
  ["listUsers", ["users.list"], async ({ app }) => app.listUsers(null, WHOLE_LIST)],
  [
    "updateUser",
    ["users.findById", "users.update"],
    async ({ app, actor }) => app.updateUser(actor, { id: actor.userId, changes: { name: name("G") }, expected }),
  ],
  [
    "updateUser",
    ["users.update", "sessions.deleteByUser"],
    async ({ app, actor }) => {
      const changes = { email: email("g@example.org") };
      return app.updateUser(actor, { id: actor.userId, changes, currentPassword: PASSWORD, expected });
    },
  ],
  [
    "changePassword",
    ["users.findById", "users.update", "sessions.deleteByUser"],
    async ({ app, actor }) =>
      app.changePassword(actor, {
        id: actor.userId,
        currentPassword: PASSWORD,
        newPassword: newcomer.password,
        expected: null,
      }),
  ],
  [
    "deleteUser",
    ["users.findById", "users.requestRemoval"],
    async ({ app, actor }) =>
      app.deleteUser(actor, { id: actor.userId, posts: { kind: "delete" }, currentPassword: PASSWORD, expected }),
  ],
  [
    "deleteUser",
    ["users.requestRemoval"],
    async ({ app, actor, admin }) =>
      app.deleteUser(admin, { id: actor.userId, posts: { kind: "reassign", to: admin.userId }, expected }),
  ],
  [
    "deleteUser",
    ["users.hasAdmin"],
    async ({ app, admin, secondAdmin }) =>
      app.deleteUser(admin, { id: secondAdmin.userId, posts: { kind: "keep" }, expected }),
  ],
  ["resumeRemovals", ["users.listRemovals"], async ({ app }) => app.resumeRemovals()],
  [
    "authenticate",
    // A failed renewal does not fail the use case (sessions.test.ts).
    ["sessions.findByTokenDigest", "users.findById"],
    async ({ app, token }) => app.authenticate(token),
  ],
  [
    "logIn",
    ["users.findByEmail", "users.upgradePasswordHash", "sessions.insert", "sessions.deleteOldest"],
    async ({ app }) => app.logIn({ email: "outdated@example.org", password: PASSWORD }, null),
  ],
  ["logOut", ["sessions.delete"], async ({ app, actor }) => app.logOut(actor)],
  ["listSessions", ["sessions.listByUser"], async ({ app, actor }) => app.listSessions(actor, WHOLE_LIST)],
  ["revokeSession", ["sessions.delete"], async ({ app, actor }) => app.revokeSession(actor, actor.sessionId)],
  [
    "purgeExpiredIdempotencyKeys",
    ["idempotencyKeys.deleteExpired"],
    async ({ app }) => app.purgeExpiredIdempotencyKeys(),
  ],
  ["purgeExpiredSessions", ["sessions.deleteExpired"], async ({ app }) => app.purgeExpiredSessions()],
  [
    "createPost",
    ["posts.insert"],
    async ({ app, actor }) =>
      app.createPost(actor, { title: title("A"), content: content("B"), status: "draft" }, null),
  ],
  ["getPost", ["posts.findById"], async ({ app, published }) => app.getPost(null, published.id)],
  ["listPosts", ["posts.list"], async ({ app }) => app.listPosts(null, ALL_POSTS, WHOLE_LIST)],
  ["searchPosts", ["posts.search"], async ({ app }) => app.searchPosts(null, SEARCH, WHOLE_LIST)],
  [
    "listPostsOfUser",
    ["users.findById", "posts.list"],
    async ({ app, actor }) => app.listPostsOfUser(null, { ...ALL_POSTS, authorId: actor.userId }, WHOLE_LIST),
  ],
  ["findAuthors", ["users.findById"], async ({ app, published }) => app.findAuthors([published])],
  [
    "updatePost",
    ["posts.findById", "posts.update"],
    async ({ app, actor, draft }) => app.updatePost(actor, { id: draft.id, edits: { title: title("A") }, expected }),
  ],
  [
    "publishPost",
    ["posts.findById", "posts.update"],
    async ({ app, actor, draft }) => app.publishPost(actor, { id: draft.id, expected }, null),
  ],
  [
    "unpublishPost",
    ["posts.findById", "posts.update"],
    async ({ app, actor, published }) => app.unpublishPost(actor, { id: published.id, expected }, null),
  ],
  [
    "deletePost",
    ["posts.findById", "posts.delete"],
    async ({ app, actor, draft }) => app.deletePost(actor, { id: draft.id, expected }),
  ],
] as const satisfies readonly (readonly [useCase: keyof UseCases, methods: readonly string[], call: Call])[];

/** checkReadiness has its own test, and stopRemovals calls no repository. */
type Missing = Exclude<keyof UseCases, (typeof CALLS)[number][0] | "checkReadiness" | "stopRemovals">;

/** One method of the repositories fails after `fail` was called. */
function switchable(method: string) {
  const [repository = "", called = ""] = method.split(".");
  let failing = false;
  const wrap = <Repository extends object>(real: Repository): Partial<Repository> => {
    const methods = new Map<string, unknown>(Object.entries(real));
    const answer = methods.get(called) as (...args: unknown[]) => Promise<unknown>;
    const bent: unknown = { [called]: async (...args: unknown[]) => (failing ? outage() : answer(...args)) };
    return bent as Partial<Repository>;
  };
  const overrides: Overrides = { [repository]: wrap };
  return { overrides, fail: () => void (failing = true) };
}

async function openWorld(overrides: Overrides) {
  const quire = await openQuire(overrides);
  const { app, author, admin } = quire;
  const outdated = { ...newcomer, email: email("outdated@example.org") };
  const { id } = (await app.registerUser(null, outdated, null))._unsafeUnwrap().value;
  const { passwordHash } = (await quire.storage.users.findById(id))._unsafeUnwrap();
  await quire.storage.users.upgradePasswordHash(id, passwordHash, hashOf(PASSWORD, "outdated"));

  const draft = await storedDraft(quire, author);
  const published = await storedPublishedPost(quire, author);
  await signIn(quire, author);
  const { id: sessionId, token } = (await app.logIn({ email: author.email, password: PASSWORD }, null))._unsafeUnwrap()
    .value;
  const actor = { userId: author.id, role: author.role, sessionId };
  quire.clock.advance(IDLE_MS / 2);
  const secondAdmin = aUser({ role: "admin" });
  (await quire.storage.users.insert(secondAdmin))._unsafeUnwrap();
  const world: World = {
    app,
    actor,
    admin: actorFor(admin),
    secondAdmin: actorFor(secondAdmin),
    token,
    draft,
    published,
  };
  return { quire, world };
}

const CASES = CALLS.flatMap(([useCase, methods, call]) => methods.map((method) => [useCase, method, call] as const));

describe("A failure of the storage", () => {
  it("is tested for every use case", () => {
    expectTypeOf<Missing>().toBeNever();
  });

  it.each(CASES)("is returned by %s from %s unchanged, and nothing is written", async (_useCase, method, call) => {
    const { overrides, fail } = switchable(method);
    const { quire, world } = await openWorld(overrides);
    const before = await contentsOf(quire);
    fail();
    expect((await call(world))._unsafeUnwrapErr()).toBe(OUTAGE);
    expect(await contentsOf(quire)).toEqual(before);
  });

  it.each(CALLS)("does not occur on a working storage when %s is called (%j)", async (_useCase, _methods, call) => {
    const { world } = await openWorld({});
    expect((await call(world)).isOk()).toBe(true);
  });

  it("is returned by ensureAdmin when the first admin cannot be stored", async () => {
    const { app } = await openQuire({ users: () => ({ insert: outage }), hasNoAdmin: true });
    expect((await app.ensureAdmin(newcomer))._unsafeUnwrapErr()).toBe(OUTAGE);
  });
});
