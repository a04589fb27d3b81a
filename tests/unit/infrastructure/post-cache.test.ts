import * as fc from "fast-check";
import { ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { Storage } from "../../../src/application/ports/storage.ts";
import { NEWEST_FIRST, type DraftFilter, type PostPageRequest } from "../../../src/domain/post/post-list.ts";
import { publishPost, type Post } from "../../../src/domain/post/post.ts";
import { parseSearchQuery } from "../../../src/domain/search/search-query.ts";
import { fail } from "../../../src/domain/shared/fail.ts";
import type { PostId } from "../../../src/domain/shared/id.ts";
import type { Version } from "../../../src/domain/shared/version.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { cachePosts } from "../../../src/infrastructure/storage/post-cache.ts";
import {
  aDraft,
  ANY_BATCH,
  aPublishedPost,
  aUser,
  EVERY_DRAFT,
  LATER,
  nextId,
  postsOf,
  PUBLISHED_POSTS,
} from "../../../src/testing/fixtures.ts";

const MANY_BYTES = 1_000_000;
const NOT_FOUND = fail({ kind: "post_not_found" });

/** A storage with a draft, behind the cache, which counts the loads of posts and pages. */
async function cachedStorage(options: { readonly maxBytes?: number; readonly posts?: Partial<Storage["posts"]> } = {}) {
  const memory = openMemoryStorage();
  const [author, other] = [aUser(), aUser()];
  for (const user of [author, other]) (await memory.users.insert(user))._unsafeUnwrap();
  const draft = aDraft(author.id);
  (await memory.posts.insert(draft))._unsafeUnwrap();
  const lookups: PostId[] = [];
  const findById: Storage["posts"]["findById"] = async (id, ...args) => {
    lookups.push(id);
    return memory.posts.findById(id, ...args);
  };
  let loads = 0;
  const list: Storage["posts"]["list"] = async (...args) => {
    loads++;
    return memory.posts.list(...args);
  };
  const listeners: (() => void)[] = [];
  const storage = cachePosts(
    {
      ...memory,
      posts: { ...memory.posts, findById, list, ...options.posts },
    },
    {
      maxBytes: options.maxBytes ?? MANY_BYTES,
      onDatabaseRestarted: (listener) => void listeners.push(listener),
      onIndexWrite: () => {},
    },
  );
  const restart = () => {
    for (const listener of listeners) listener();
  };
  return { memory, storage, author, other, draft, lookups, loads: () => loads, restart };
}

describe("post cache", () => {
  it("loads a post once, and returns the same object to every caller", async () => {
    const { storage, draft, lookups } = await cachedStorage();
    const first = (await storage.posts.findById(draft.id, EVERY_DRAFT))._unsafeUnwrap();
    expect((await storage.posts.findById(draft.id, EVERY_DRAFT))._unsafeUnwrap()).toBe(first);
    expect(first).toEqual(draft);
    expect(Object.isFrozen(first)).toBe(true);
    expect(lookups).toEqual([draft.id]);
  });

  it("asks the storage again for a post that was not found", async () => {
    const { storage, author } = await cachedStorage();
    const post = aDraft(author.id);
    expect(await storage.posts.findById(post.id, EVERY_DRAFT)).toEqual(NOT_FOUND);
    (await storage.posts.insert(post))._unsafeUnwrap();
    expect(await storage.posts.findById(post.id, EVERY_DRAFT)).toEqual(ok(post));
  });

  it("shows a cached draft to its author and to admins only", async () => {
    const { storage, draft, author, other, lookups } = await cachedStorage();
    await storage.posts.findById(draft.id, EVERY_DRAFT);
    const read = async (drafts: DraftFilter | null) => storage.posts.findById(draft.id, drafts);
    expect(await read({ authorId: author.id })).toEqual(ok(draft));
    expect(await read(EVERY_DRAFT)).toEqual(ok(draft));
    expect(lookups).toHaveLength(1);
    expect(await read({ authorId: other.id })).toEqual(NOT_FOUND);
    expect(await read(null)).toEqual(NOT_FOUND);
    // A missing post costs a lookup too, so the response time does not reveal the draft.
    expect(lookups).toHaveLength(3);
  });

  it("keeps a cached draft after a reader that may not see it", async () => {
    const { storage, draft, lookups } = await cachedStorage();
    for (const drafts of [EVERY_DRAFT, null, EVERY_DRAFT]) await storage.posts.findById(draft.id, drafts);
    expect(lookups).toHaveLength(2);
  });

  it("shows everybody a cached post once it is published", async () => {
    const { storage, draft } = await cachedStorage();
    await storage.posts.findById(draft.id, EVERY_DRAFT);
    const published: Post = { ...draft, content: "Text" as Post["content"] };
    const post = publishPost(published, LATER)._unsafeUnwrap();
    (await storage.posts.update(post, draft.version))._unsafeUnwrap();
    expect(await storage.posts.findById(draft.id, null)).toEqual(ok(post));
  });

  it("caches a post again after a write that throws", async () => {
    const update = async () => {
      throw new Error("lost");
    };
    const { storage, draft, lookups } = await cachedStorage({ posts: { update } });
    await storage.posts.findById(draft.id, EVERY_DRAFT);
    await expect(storage.posts.update(draft, draft.version)).rejects.toThrow("lost");
    for (let time = 0; time < 2; time++) await storage.posts.findById(draft.id, EVERY_DRAFT);
    expect(lookups).toHaveLength(2);
  });

  it.each([
    ["an update", async ({ posts }: Storage, draft: Post) => posts.update(draft, draft.version)],
    [
      "a reassignment",
      async ({ posts }: Storage, { authorId }: Post) => posts.reassign(authorId, authorId, LATER, ANY_BATCH, null),
    ],
  ] as const)("caches a post again after a unit of work with %s that throws", async (_, change) => {
    const { storage, draft, lookups } = await cachedStorage();
    const unit = storage.unitOfWork.run(async (repositories) => {
      await change({ ...storage, ...repositories }, draft);
      throw new Error("a defect");
    });
    await expect(unit).rejects.toThrow("a defect");
    for (let time = 0; time < 2; time++) await storage.posts.findById(draft.id, EVERY_DRAFT);
    expect(lookups).toHaveLength(1);
  });

  it("keeps the posts of other authors when the posts of an author change", async () => {
    const { storage, draft, other, lookups } = await cachedStorage();
    await storage.posts.findById(draft.id, EVERY_DRAFT);
    (await storage.posts.deleteByAuthor(other.id, ANY_BATCH, null))._unsafeUnwrap();
    await storage.posts.findById(draft.id, EVERY_DRAFT);
    expect(lookups).toHaveLength(1);
  });

  it("keeps a reassigned post when the posts of its former author change", async () => {
    const { storage, draft, author, other, lookups } = await cachedStorage();
    await storage.posts.findById(draft.id, EVERY_DRAFT);
    (await storage.posts.reassign(author.id, other.id, LATER, ANY_BATCH, null))._unsafeUnwrap();
    await storage.posts.findById(draft.id, EVERY_DRAFT);
    (await storage.posts.deleteByAuthor(author.id, ANY_BATCH, null))._unsafeUnwrap();
    await storage.posts.findById(draft.id, EVERY_DRAFT);
    expect(lookups).toHaveLength(2);
  });

  it("removes all posts when the database restarts, and caches no read that began before", async () => {
    const { memory, storage, draft, author, lookups, restart } = await cachedStorage();
    const second = aDraft(author.id);
    (await memory.posts.insert(second))._unsafeUnwrap();
    await storage.posts.findById(draft.id, EVERY_DRAFT);
    const early = storage.posts.findById(second.id, EVERY_DRAFT);
    restart();
    await early;
    for (const { id } of [draft, second]) await storage.posts.findById(id, EVERY_DRAFT);
    expect(lookups).toEqual([draft.id, second.id, draft.id, second.id]);
  });

  it("admits a post to a full cache at its second load, in place of the post that was read the longest time ago", async () => {
    const { memory, storage, author, lookups } = await cachedStorage({ maxBytes: 70_000 });
    const long = () => aDraft(author.id, { content: "x".repeat(10_000) });
    const posts = [long(), long(), long()] as const;
    for (const post of posts) (await memory.posts.insert(post))._unsafeUnwrap();
    const [first, second, third] = posts;
    const reads = [first, second, third, first, second, third, third, second, first];
    for (const { id } of reads) await storage.posts.findById(id, EVERY_DRAFT);
    expect(lookups).toEqual([first.id, second.id, third.id, third.id, first.id]);
  });

  it("forgets the first load of a post after the loads of many others", async () => {
    const { memory, storage, author, lookups } = await cachedStorage({ maxBytes: 70_000 });
    const long = () => aDraft(author.id, { content: "x".repeat(10_000) });
    const [first, second, third, ...others] = Array.from({ length: 43 }, long) as [Post, Post, Post, ...Post[]];
    for (const post of [first, second, third, ...others]) (await memory.posts.insert(post))._unsafeUnwrap();
    for (const { id } of [first, second, third, ...others, third, first]) await storage.posts.findById(id, EVERY_DRAFT);
    // The first two are still cached, and the third is not yet.
    expect(lookups.slice(-2)).toEqual([others.at(-1)?.id, third.id]);
  });

  it("does not cache a post that is larger than the cache", async () => {
    const { memory, storage, author, draft, lookups } = await cachedStorage({ maxBytes: 5000 });
    const long = aDraft(author.id, { content: "x".repeat(10_000) });
    (await memory.posts.insert(long))._unsafeUnwrap();
    for (const { id } of [draft, long, long, draft]) await storage.posts.findById(id, EVERY_DRAFT);
    expect(lookups).toEqual([draft.id, long.id, long.id]);
  });

  it("counts two bytes for each character of a text that is not ASCII", async () => {
    const { memory, storage, author, lookups } = await cachedStorage({ maxBytes: 40_000 });
    const long = aDraft(author.id, { content: "語".repeat(10_000) });
    (await memory.posts.insert(long))._unsafeUnwrap();
    for (let time = 0; time < 2; time++) await storage.posts.findById(long.id, EVERY_DRAFT);
    expect(lookups).toHaveLength(2);
  });

  it("caches nothing when its bound is 0", async () => {
    const { storage, draft, lookups } = await cachedStorage({ maxBytes: 0 });
    for (let time = 0; time < 2; time++) await storage.posts.findById(draft.id, EVERY_DRAFT);
    expect(lookups).toHaveLength(2);
  });

  it("passes the cache in a unit of work, which sees its own writes", async () => {
    const { storage, draft } = await cachedStorage();
    await storage.posts.findById(draft.id, EVERY_DRAFT);
    const changed: Post = { ...draft, title: "Changed" as Post["title"] };
    const read = await storage.unitOfWork.run(async ({ posts }) => {
      (await posts.update(changed, draft.version))._unsafeUnwrap();
      return posts.findById(draft.id, EVERY_DRAFT);
    });
    expect(read).toEqual(ok(changed));
  });
});

describe("page cache", () => {
  const PAGE = { limit: 20, from: null };

  /** A cached storage with a published post, which counts the pages that it loads. */
  async function storageWithPost(options: Parameters<typeof cachedStorage>[0] = {}) {
    const opened = await cachedStorage(options);
    const { memory, author, storage, loads } = opened;
    const post = aPublishedPost(author.id);
    (await memory.posts.insert(post))._unsafeUnwrap();
    const listed = async (filter = PUBLISHED_POSTS, page: PostPageRequest = PAGE, sort = NEWEST_FIRST) =>
      (await storage.posts.list(filter, sort, page))._unsafeUnwrap();
    return { ...opened, post, listed, loads };
  }

  it("returns the same frozen page to every caller, with its cursors and total", async () => {
    const { author, memory, listed, post, loads } = await storageWithPost();
    const newer = aPublishedPost(author.id);
    (await memory.posts.insert(newer))._unsafeUnwrap();
    const page = { limit: 1, from: null, isCounted: true };
    const first = await listed(PUBLISHED_POSTS, page);
    expect(first).toMatchObject({ items: [newer], total: 2, next: { id: newer.id }, previous: null });
    expect([first, first.items, first.items[0]].every(Object.isFrozen)).toBe(true);
    expect(await listed(PUBLISHED_POSTS, page)).toBe(first);
    expect(loads()).toBe(1);
    expect((await listed(PUBLISHED_POSTS, { ...page, isCounted: false })).total).toBe(null);
    expect((await listed(PUBLISHED_POSTS, { ...page, from: first.next })).items).toEqual([post]);
    expect(loads()).toBe(3);
  });

  it("admits a page to a full cache at its second load, in place of the page that was read the longest time ago", async () => {
    const { author, memory, listed, loads } = await storageWithPost({ maxBytes: 400_000 });
    const long = aPublishedPost(author.id, { content: "x".repeat(10_000) });
    (await memory.posts.insert(long))._unsafeUnwrap();
    for (const limit of [1, 2, 3, 1, 2, 3]) await listed(PUBLISHED_POSTS, { limit, from: null });
    expect(loads()).toBe(4);
    for (const limit of [3, 2, 1]) await listed(PUBLISHED_POSTS, { limit, from: null });
    expect(loads()).toBe(5);
  });

  it("keeps the published posts when a draft changes, and the posts of an author when those of another change", async () => {
    const { author, other, draft, storage, listed, loads } = await storageWithPost();
    for (let time = 0; time < 2; time++) {
      await listed();
      await listed({ ...postsOf(author.id), drafts: null });
      await storage.posts.findById(draft.id, EVERY_DRAFT);
    }
    expect(loads()).toBe(2);
    const changed: Post = { ...draft, title: "Changed" as Post["title"], version: (draft.version + 1) as Version };
    (await storage.posts.update(changed, draft.version))._unsafeUnwrap();
    expect((await listed()).items).toHaveLength(1);
    expect(loads()).toBe(2);
    (await storage.posts.insert(aPublishedPost(other.id)))._unsafeUnwrap();
    expect((await listed({ ...postsOf(author.id), drafts: null })).items).toHaveLength(1);
    expect(loads()).toBe(2);
    expect((await listed()).items).toHaveLength(2);
    expect(loads()).toBe(3);
  });

  it("loads a list by title each time, because the renewal of title keys passes no repository", async () => {
    const { listed, loads } = await storageWithPost();
    for (let time = 0; time < 3; time++) await listed(PUBLISHED_POSTS, PAGE, { by: "title", descending: false });
    expect(loads()).toBe(3);
  });

  it("loads every page again after the database has restarted", async () => {
    const { listed, loads, restart } = await storageWithPost();
    for (let time = 0; time < 3; time++) await listed();
    restart();
    await listed();
    expect(loads()).toBe(2);
  });

  it("shows a post in no list of published posts after it became a draft while it was not cached", async () => {
    const { post, storage, listed } = await storageWithPost();
    await listed();
    const hidden: Post = { ...post, status: "draft", publishedAt: null, version: (post.version + 1) as Version };
    (await storage.posts.update(hidden, post.version))._unsafeUnwrap();
    await storage.posts.findById(post.id, EVERY_DRAFT);
    expect((await listed()).items).toEqual([]);
  });

  it("shows a post in the list of its status after a write that expected a version which another write stored later", async () => {
    let openGate = () => {};
    const gate = new Promise<void>((resolve) => (openGate = resolve));
    let delays = 1;
    const opened = await storageWithPost({
      posts: {
        update: async (...args) => {
          if (delays-- > 0) await gate;
          return opened.memory.posts.update(...args);
        },
      },
    });
    const { post, storage, listed } = opened;
    const version = (n: number) => (post.version + n) as Version;
    const drafts = { published: null, drafts: EVERY_DRAFT };
    await storage.posts.findById(post.id, null);
    // It begins now, and is stored after the next write.
    const late = storage.posts.update({ ...post, version: version(2) }, version(1));
    const hidden: Post = { ...post, status: "draft", publishedAt: null, version: version(1) };
    (await storage.posts.update(hidden, version(0)))._unsafeUnwrap();
    const before = await listed(drafts);
    expect(before.items.map(({ id }) => id)).toContain(post.id);
    openGate();
    (await late)._unsafeUnwrap();
    for (const { id } of before.items) await storage.posts.findById(id, EVERY_DRAFT);
    expect((await listed(drafts)).items.map(({ id }) => id)).not.toContain(post.id);
  });
});

const AUTHORS = [aUser(), aUser()] as const;
const IDS = Array.from({ length: 4 }, () => nextId<PostId>());
/** The room of two posts, so that posts are evicted too. */
const TWO_POSTS_BYTES = 2665;

type Run = (storage: Storage) => Promise<unknown>;

const anId = fc.constantFrom(...IDS);
const anAuthor = fc.constantFrom(...AUTHORS.map(({ id }) => id));
const aVersion = fc.constantFrom(1, 2, 3).map((version) => version as Version);
const drafts = fc.oneof(fc.constant(null), fc.constant(EVERY_DRAFT), fc.record({ authorId: anAuthor }));
const aPost = fc
  .record({ id: anId, authorId: anAuthor, isPublished: fc.boolean(), version: aVersion })
  .map(({ id, authorId, isPublished, version }): Post => ({
    ...(isPublished ? aPublishedPost(authorId, { id }) : aDraft(authorId, { id })),
    version,
  }));
const read: fc.Arbitrary<Run> = fc.tuple(anId, drafts).map(
  ([id, seen]) =>
    async ({ posts }) =>
      posts.findById(id, seen),
);
const list: fc.Arbitrary<Run> = fc.tuple(fc.boolean(), drafts, fc.constantFrom(1, 20)).map(
  ([hasPublished, seen, limit]) =>
    async ({ posts }) =>
      posts.list(
        { published: hasPublished ? { authorId: null, after: null, before: null } : null, drafts: seen },
        NEWEST_FIRST,
        { limit, from: null, isCounted: true },
      ),
);
const search: fc.Arbitrary<Run> = fc.tuple(drafts, fc.constantFrom(1, 20)).map(
  ([seen, limit]) =>
    async ({ posts }) =>
      posts.search({ ...PUBLISHED_POSTS, drafts: seen }, parseSearchQuery("post")._unsafeUnwrap(), {
        limit,
        from: null,
        isCounted: true,
      }),
);
const write: fc.Arbitrary<Run> = fc.oneof(
  aPost.map(
    (post): Run =>
      async ({ posts }) =>
        posts.insert(post).catch(String),
  ),
  fc.tuple(aPost, aVersion).map(
    ([post, expected]): Run =>
      async ({ posts }) =>
        posts.update(post, expected),
  ),
  fc.tuple(anId, aVersion).map(
    ([id, expected]): Run =>
      async ({ posts }) =>
        posts.delete(id, expected),
  ),
  anAuthor.map(
    (id): Run =>
      async ({ posts }) =>
        posts.deleteByAuthor(id, ANY_BATCH, null),
  ),
  fc.tuple(anAuthor, anAuthor).map(
    ([from, to]): Run =>
      async ({ posts }) =>
        posts.reassign(from, to, LATER, ANY_BATCH, null),
  ),
);
const unit: fc.Arbitrary<Run> = fc.tuple(fc.array(fc.oneof(read, write), { maxLength: 4 }), fc.boolean()).map(
  ([steps, isRefused]) =>
    async (storage) =>
      storage.unitOfWork.run(async (repositories) => {
        const answers = [];
        for (const step of steps) answers.push(await step({ ...storage, ...repositories }));
        return isRefused ? fail({ kind: "refused" }) : ok(answers);
      }),
);
const command = fc.oneof(
  { weight: 3, arbitrary: read },
  { weight: 3, arbitrary: list },
  { weight: 3, arbitrary: search },
  { weight: 3, arbitrary: write },
  { weight: 1, arbitrary: unit },
);

describe("a storage with the post cache", () => {
  it("answers every sequence of commands as the storage without it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
        const [plain, memory] = [openMemoryStorage(), openMemoryStorage()];
        const cached = cachePosts(memory, {
          maxBytes: TWO_POSTS_BYTES,
          onDatabaseRestarted: () => {},
          onIndexWrite: () => {},
        });
        for (const { users } of [plain, cached]) for (const user of AUTHORS) (await users.insert(user))._unsafeUnwrap();
        for (const run of commands) expect(await run(cached)).toEqual(await run(plain));
      }),
      { numRuns: 1000 },
    );
  });
});
