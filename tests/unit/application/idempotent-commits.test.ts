import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { Idempotency } from "../../../src/application/idempotency/idempotency.ts";
import { nodeIdempotencyCipher } from "../../../src/infrastructure/crypto/node-idempotency-cipher.ts";
import { actorFor, content, DAY_MS, email, name, password, title } from "../../../src/testing/fixtures.ts";
import { contentsOf, openQuire, outage, OUTAGE, PASSWORD, signIn, storedDraft, type Overrides } from "./support.ts";

const POST = { title: title("Once"), content: content("And only once."), status: "draft" } as const;
const USER = { name: name("Once"), email: email("once@example.org"), password: password("and only once") };
const REQUEST = { key: "0123456789abcdef", owner: null, body: "body" };

async function openKeyed(overrides: Overrides = {}) {
  const quire = await openQuire(overrides);
  const { app, author, storage, clock } = quire;
  const actor = await signIn(quire, author);
  const credentials = { email: author.email, password: PASSWORD };
  const draft = await storedDraft(quire, author);
  const target = { id: draft.id, expected: null };
  const own = { ...REQUEST, owner: actor.userId };
  return {
    quire,
    register: async () => app.registerUser(null, USER, { ...REQUEST, operation: "POST /v1/users" }),
    logIn: async () => app.logIn(credentials, { ...REQUEST, operation: "POST /v1/sessions" }),
    create: async (body = "body") => app.createPost(actor, POST, { ...own, operation: "POST /v1/posts", body }),
    publish: async () => app.publishPost(actor, target, { ...own, operation: `POST /v1/posts/${draft.id}/publish` }),
    countUsers: async () => (await contentsOf(quire)).users.filter((user) => user.name === USER.name).length,
    countPosts: async () => (await contentsOf(quire)).posts.filter((post) => post.title === POST.title).length,
    /** Stores a record whose sealed text is `text`. */
    storeRecord: async (idempotency: Idempotency, text: string) => {
      const cipher = await nodeIdempotencyCipher.forRequest(idempotency);
      const { keyDigest, fingerprint } = cipher;
      const [createdAt, expiresAt] = [clock.now(), new Date(clock.now().getTime() + DAY_MS)];
      const result = await cipher.seal(text);
      const record = { keyDigest, fingerprint, userId: author.id, result, createdAt, expiresAt };
      (await storage.idempotencyKeys.insert(record, "always"))._unsafeUnwrap();
    },
  };
}

type Keyed = Awaited<ReturnType<typeof openKeyed>>;

describe("A use case with an idempotency key", () => {
  it.each<[string, (keyed: Keyed) => Promise<unknown>]>([
    ["createPost", async ({ create }) => create()],
    ["publishPost", async ({ publish }) => publish()],
    ["registerUser", async ({ register }) => register()],
    ["logIn", async ({ logIn }) => logIn()],
  ])("replays the result of %s and writes nothing when the request is repeated", async (_, run) => {
    const keyed = await openKeyed();
    const first = (await run(keyed)) as Awaited<ReturnType<Keyed["create"]>>;
    expect(first._unsafeUnwrap().isReplayed).toBe(false);
    const before = await contentsOf(keyed.quire);
    keyed.quire.clock.advance(1000);
    expect(await run(keyed)).toStrictEqual(ok({ value: first._unsafeUnwrap().value, isReplayed: true }));
    expect(await contentsOf(keyed.quire)).toEqual(before);
  });

  it("stores no text of a new post a second time, because a repeated request has it", async () => {
    const { quire, create } = await openKeyed();
    const { value } = (await create())._unsafeUnwrap();
    const cipher = await nodeIdempotencyCipher.forRequest({
      ...REQUEST,
      owner: quire.author.id,
      operation: "POST /v1/posts",
    });
    const record = (await quire.storage.idempotencyKeys.find(cipher.keyDigest))._unsafeUnwrap();
    const { id, version, createdAt, updatedAt, publishedAt } = value;
    const generated = JSON.stringify({ id, version, createdAt, updatedAt, publishedAt });
    expect(record?.result).toBe(`snapshot/1 ${generated}`);
  });

  it("rejects another body with the same key, and writes nothing", async () => {
    const { create, countPosts } = await openKeyed();
    (await create())._unsafeUnwrap();
    expect(await create("another body")).toEqual(err({ kind: "idempotency_key_reused" }));
    expect(await countPosts()).toBe(1);
  });

  it("stores no user when the replay record cannot be stored", async () => {
    const { register, countUsers } = await openKeyed({ idempotencyKeys: () => ({ insert: outage }) });
    expect(await register()).toEqual(err(OUTAGE));
    expect(await countUsers()).toBe(0);
  });

  it("stores no replay record when the user cannot be stored, and runs again", async () => {
    let isDown = true;
    const { register, countUsers } = await openKeyed({
      users: (real) => ({ insert: async (user) => (isDown ? outage() : real.insert(user)) }),
    });
    expect(await register()).toEqual(err(OUTAGE));
    isDown = false;
    expect((await register())._unsafeUnwrap().isReplayed).toBe(false);
    expect(await countUsers()).toBe(1);
  });

  it("fails when PostRepository.insert fails", async () => {
    const { create, countPosts } = await openKeyed({ posts: () => ({ insert: outage }) });
    expect(await create()).toEqual(err(OUTAGE));
    expect(await countPosts()).toBe(0);
  });

  it("returns the stored post when the connection was lost after the insert", async () => {
    const { create, countPosts } = await openKeyed({
      posts: (real) => ({
        insert: async (post) => {
          (await real.insert(post))._unsafeUnwrap();
          return outage();
        },
      }),
    });
    expect((await create())._unsafeUnwrap()).toMatchObject({ isReplayed: true, value: { title: POST.title } });
    expect(await countPosts()).toBe(1);
  });

  it("writes nothing when the key cannot be claimed", async () => {
    const { register, countUsers } = await openKeyed({ idempotencyKeys: () => ({ claim: outage }) });
    expect(await register()).toEqual(err(OUTAGE));
    expect(await countUsers()).toBe(0);
  });

  it("returns the failure of the write when the replay record cannot be read", async () => {
    const { register } = await openKeyed({
      users: () => ({ insert: outage }),
      idempotencyKeys: () => ({ find: async () => err({ ...OUTAGE, operation: "find" }) }),
    });
    expect(await register()).toEqual(err(OUTAGE));
  });

  it("returns invalid_session for a user who was deleted after the authentication", async () => {
    const { quire, create, countPosts } = await openKeyed();
    const { author, storage } = quire;
    const [draft] = (await contentsOf(quire)).posts;
    if (draft !== undefined) (await storage.posts.delete(draft.id, draft.version))._unsafeUnwrap();
    (await storage.users.delete(author.id, author.version))._unsafeUnwrap();
    expect(await create()).toEqual(err({ kind: "invalid_session" }));
    expect(await countPosts()).toBe(0);
  });

  it("returns invalid_session and stores no user for a creator who was deleted after the authentication", async () => {
    const { quire, countUsers } = await openKeyed();
    const { app, otherAuthor: creator, storage } = quire;
    (await storage.users.delete(creator.id, creator.version))._unsafeUnwrap();
    const idempotency = { ...REQUEST, owner: creator.id, operation: "POST /v1/users" };
    expect(await app.registerUser(actorFor(creator), USER, idempotency)).toEqual(err({ kind: "invalid_session" }));
    expect(await countUsers()).toBe(0);
  });

  it("returns invalid_session for a repeated log-in whose session was revoked", async () => {
    const { quire, logIn } = await openKeyed();
    const { token } = (await logIn())._unsafeUnwrap().value;
    const actor = (await quire.app.authenticate(token))._unsafeUnwrap();
    (await quire.app.logOut(actor))._unsafeUnwrap();
    expect(await logIn()).toEqual(err({ kind: "invalid_session" }));
  });

  it("is replayed for 24 hours and then runs again", async () => {
    const { quire, create, countPosts } = await openKeyed();
    const { value } = (await create())._unsafeUnwrap();
    quire.clock.advance(DAY_MS - 1);
    (await quire.app.purgeExpiredIdempotencyKeys())._unsafeUnwrap();
    expect(await create()).toEqual(ok({ value, isReplayed: true }));
    quire.clock.advance(1);
    (await quire.app.purgeExpiredIdempotencyKeys())._unsafeUnwrap();
    expect((await create())._unsafeUnwrap().isReplayed).toBe(false);
    expect(await countPosts()).toBe(2);
  });

  it("returns the failure of the write when the replay record has expired", async () => {
    let isDown = false;
    const { quire, create } = await openKeyed({
      posts: (real) => ({ insert: async (post) => (isDown ? outage() : real.insert(post)) }),
    });
    (await create())._unsafeUnwrap();
    quire.clock.advance(DAY_MS);
    isDown = true;
    expect(await create()).toEqual(err(OUTAGE));
  });

  it("is still replayed after the clock was set back", async () => {
    const { quire, create, countPosts } = await openKeyed();
    await create();
    quire.clock.advance(-2 * DAY_MS);
    (await quire.app.purgeExpiredIdempotencyKeys())._unsafeUnwrap();
    expect((await create())._unsafeUnwrap().isReplayed).toBe(true);
    expect(await countPosts()).toBe(1);
  });
});

describe("A replay record of another build", () => {
  const operation = "POST /v1/posts";

  it("is replayed when an earlier build has stored it as an HTTP response", async () => {
    const { quire, create, countPosts, storeRecord } = await openKeyed();
    const post = { ...(await contentsOf(quire)).posts[0], title: POST.title, content: POST.content };
    const response = { status: 201, headers: { ETag: '"1"' }, body: JSON.stringify(post) };
    await storeRecord({ ...REQUEST, owner: quire.author.id, operation }, JSON.stringify(response));
    expect(await create()).toStrictEqual(ok({ value: post, isReplayed: true }));
    expect(await countPosts()).toBe(0);
  });

  it("is replayed when another build has stored it in the format snapshot/1", async () => {
    const { quire, create, countPosts, storeRecord } = await openKeyed();
    const post = { ...(await contentsOf(quire)).posts[0], title: POST.title, content: POST.content };
    await storeRecord({ ...REQUEST, owner: quire.author.id, operation }, `snapshot/1 ${JSON.stringify(post)}`);
    expect(await create()).toStrictEqual(ok({ value: post, isReplayed: true }));
    expect(await countPosts()).toBe(0);
  });

  it("makes the request fail without a write when its time of publication is malformed", async () => {
    const { quire, create, countPosts, storeRecord } = await openKeyed();
    const [post] = (await contentsOf(quire)).posts;
    const text = `snapshot/1 ${JSON.stringify({ ...post, publishedAt: "yesterday" })}`;
    await storeRecord({ ...REQUEST, owner: quire.author.id, operation }, text);
    await expect(create()).rejects.toThrow("in no known format");
    expect(await countPosts()).toBe(0);
  });

  it.each([
    ["has a later format", 'snapshot/2 {"id":1}'],
    ["contains no post", "snapshot/1 {}"],
    ["contains no response", "null"],
  ])("makes the request fail without a write when it %s", async (_, text) => {
    const { quire, create, countPosts, storeRecord } = await openKeyed();
    await storeRecord({ ...REQUEST, owner: quire.author.id, operation }, text);
    await expect(create()).rejects.toThrow();
    expect(await countPosts()).toBe(0);
  });
});

describe("purgeExpiredIdempotencyKeys", () => {
  it.each([
    ["500 rows", 500],
    ["3 rows, as many as the bytes of a batch allow", 3],
  ])("deletes batches of %s until none is left", async (_case, batch) => {
    let left = 5 * batch;
    const { quire } = await openKeyed({
      idempotencyKeys: () => ({
        deleteExpired: async (_, { rows }) => {
          const removed = Math.min(left, rows, batch);
          left -= removed;
          return ok(removed);
        },
      }),
    });
    (await quire.app.purgeExpiredIdempotencyKeys())._unsafeUnwrap();
    expect(left).toBe(0);
  });
});
