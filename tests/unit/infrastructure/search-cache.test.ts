import { describe, expect, it } from "vitest";
import type { Storage } from "../../../src/application/ports/storage.ts";
import { NEWEST_FIRST, type PostFilter, type PostPageRequest } from "../../../src/domain/post/post-list.ts";
import type { Post } from "../../../src/domain/post/post.ts";
import { parseSearchQuery } from "../../../src/domain/search/search-query.ts";
import type { Version } from "../../../src/domain/shared/version.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { newCacheCounts } from "../../../src/infrastructure/storage/cache-counts.ts";
import { cachePosts } from "../../../src/infrastructure/storage/post-cache.ts";
import { aDraft, aPublishedPost, aUser, EVERY_DRAFT, postsOf, PUBLISHED_POSTS } from "../../../src/testing/fixtures.ts";

const PAGE: PostPageRequest = { limit: 20, from: null };

/** A storage with a published post about rivers and a draft about them, behind the cache, which counts the loads of searches. */
async function cachedSearches({
  maxBytes = 1_000_000,
  search,
}: { maxBytes?: number; search?: Storage["posts"]["search"] } = {}) {
  const memory = openMemoryStorage();
  const [author, other] = [aUser(), aUser()];
  for (const user of [author, other]) (await memory.users.insert(user))._unsafeUnwrap();
  const post = aPublishedPost(author.id, { title: "Rivers" });
  const draft = aDraft(author.id, { title: "More rivers" });
  for (const each of [post, draft]) (await memory.posts.insert(each))._unsafeUnwrap();
  let loads = 0;
  const counted: Storage["posts"]["search"] = async (...args) => {
    loads++;
    return search === undefined ? memory.posts.search(...args) : search(...args);
  };
  const counts = newCacheCounts();
  let beginIndexWrite = (): (() => void) => () => {};
  let restart = () => {};
  const storage = cachePosts(
    { ...memory, posts: { ...memory.posts, search: counted } },
    {
      maxBytes,
      counts,
      onDatabaseRestarted: (listener) => (restart = listener),
      onIndexWrite: (begin) => (beginIndexWrite = begin),
    },
  );
  const found = async (text = "rivers", filter: PostFilter = PUBLISHED_POSTS, page = PAGE) =>
    (await storage.posts.search(filter, parseSearchQuery(text)._unsafeUnwrap(), page))._unsafeUnwrap();
  return {
    memory,
    storage,
    author,
    other,
    post,
    draft,
    found,
    counts,
    loads: () => loads,
    beginIndexWrite: () => beginIndexWrite(),
    restart: () => restart(),
  };
}

describe("cache of searches", () => {
  it("returns the same frozen page to every caller", async () => {
    const { found, post, loads, counts } = await cachedSearches();
    const first = await found();
    expect(first.items.map(({ id }) => id)).toEqual([post.id]);
    expect([first, first.items, first.items[0]].every(Object.isFrozen)).toBe(true);
    expect(await found()).toBe(first);
    expect(loads()).toBe(1);
    expect(counts).toMatchObject({ searches: { hits: 1, misses: 1 }, pages: { hits: 0, misses: 0 } });
  });

  it("loads another query, another filter and another page", async () => {
    const { found, author, loads } = await cachedSearches();
    const everything = { ...PUBLISHED_POSTS, drafts: EVERY_DRAFT };
    expect((await found()).items).toHaveLength(1);
    expect((await found("lakes")).items).toHaveLength(0);
    expect((await found("rivers", everything)).items).toHaveLength(2);
    const first = await found("rivers", everything, { limit: 1, from: null });
    const second = await found("rivers", everything, { limit: 1, from: first.next });
    expect(second.items).not.toEqual(first.items);
    expect((await found("rivers", postsOf(author.id))).items).toHaveLength(2);
    expect((await found("rivers", PUBLISHED_POSTS, { ...PAGE, isCounted: true })).total).toBe(1);
    expect(loads()).toBe(7);
  });

  it("loads every search again after a write to the search index", async () => {
    const { found, loads, beginIndexWrite } = await cachedSearches();
    await found();
    beginIndexWrite()();
    await found();
    expect(loads()).toBe(2);
  });

  it("caches no search that overlaps a write to the search index", async () => {
    const { found, loads, beginIndexWrite } = await cachedSearches();
    const end = beginIndexWrite();
    await found();
    end();
    await found();
    await found();
    expect(loads()).toBe(2);
  });

  it("caches no search that began before a write to the search index", async () => {
    let reply = () => {};
    const replied = new Promise<void>((resolve) => (reply = resolve));
    const { memory, found, loads, beginIndexWrite } = await cachedSearches({
      search: async (...args) => {
        const page = await memory.posts.search(...args);
        await replied;
        return page;
      },
    });
    const before = found();
    beginIndexWrite()();
    reply();
    await before;
    await found();
    expect(loads()).toBe(2);
  });

  it("keeps the searches for published posts when a draft changes", async () => {
    const { found, storage, draft, loads } = await cachedSearches();
    await storage.posts.findById(draft.id, EVERY_DRAFT);
    await found();
    const changed: Post = { ...draft, version: (draft.version + 1) as Version };
    (await storage.posts.update(changed, draft.version))._unsafeUnwrap();
    await found();
    expect(loads()).toBe(1);
  });

  it("finds a deleted post no longer", async () => {
    const { found, storage, post } = await cachedSearches();
    await found();
    (await storage.posts.delete(post.id, post.version))._unsafeUnwrap();
    expect((await found()).items).toEqual([]);
  });

  it("loads every search again after the database has restarted", async () => {
    const { found, loads, restart } = await cachedSearches();
    await found();
    restart();
    await found();
    expect(loads()).toBe(2);
  });

  it("does not evict the pages of lists and the posts, however many searches there are", async () => {
    const { found, storage, post, counts } = await cachedSearches({ maxBytes: 200_000 });
    const read = async () => {
      await storage.posts.findById(post.id, null);
      await storage.posts.list(PUBLISHED_POSTS, NEWEST_FIRST, PAGE);
    };
    await read();
    for (let time = 0; time < 2; time++) for (let n = 0; n < 100; n++) await found(`rivers or word${n}`);
    expect(counts.searches.hits).toBeLessThan(100);
    await read();
    expect(counts).toMatchObject({ posts: { hits: 1, misses: 1 }, pages: { hits: 1, misses: 1 } });
  });

  it("counts the excerpts of a page as a part of its memory", async () => {
    const { found, storage, author, loads } = await cachedSearches({ maxBytes: 4 * 9_000 });
    await found();
    expect(loads()).toBe(1);
    for (let n = 0; n < 2; n++) {
      (
        await storage.posts.insert(aPublishedPost(author.id, { title: "Brooks", content: "brooks ".repeat(40) }))
      )._unsafeUnwrap();
    }
    for (let time = 0; time < 3; time++) await found("brooks");
    expect(loads()).toBe(4);
  });
});
