import { ok, type Result } from "neverthrow";
import type { Storage } from "../../application/ports/storage.ts";
import {
  isVisible,
  type DraftFilter,
  type PostFilter,
  type PostPageRequest,
  type PostSort,
} from "../../domain/post/post-list.ts";
import type { PostRepository, RecordedPost } from "../../domain/post/post-repository.ts";
import type { Post } from "../../domain/post/post.ts";
import type { PostId, UserId } from "../../domain/shared/id.ts";
import type { SearchPage } from "../../domain/search/found-post.ts";
import type { SearchQuery } from "../../domain/search/search-query.ts";
import type { CountedPage } from "../../domain/shared/page.ts";
import type { Version } from "../../domain/shared/version.ts";
import { newCacheCounts, noteRead, type CacheCount, type CacheCounts } from "./cache-counts.ts";
import { bytesOfFoundPost, bytesOfListedPost, bytesOfPage, bytesOfPost } from "./cached-bytes.ts";
import { CoherentCache, type CoherentCacheOptions } from "./coherent-cache.ts";

/**
 * The parts of the memory that pages of lists and of searches may use. Nobody can evict the lists by searches. A search takes the
 * engine some fifty times as long as a post, and its page takes thirty times the memory.
 */
const PAGES_SHARE = 1 / 8;
const SEARCHES_SHARE = 1 / 4;

type PostCacheCounts = Pick<CacheCounts, "posts" | "pages" | "searches">;

export interface PostCacheOptions {
  /** The bound on the memory of the cache; 0 for no cache. */
  readonly maxBytes: number;
  /** Registers a listener for each time that the database restarts, which may undo what a read has seen. */
  readonly onDatabaseRestarted: (listener: () => void) => void;
  /** Registers a function that is called before each write to the search index. It returns one that is called after the write. */
  readonly onIndexWrite: (begin: () => () => void) => void;
  readonly counts?: PostCacheCounts;
}

/**
 * Caches posts by id, and pages of lists and searches. The cache is coherent: a read never returns a state that is older than an
 * acknowledged write or than an earlier read. A unit of work ends its writes at its own end. Every write must pass through here, and
 * every write to the search index must be announced, so one process must own the database.
 *
 * All callers share a cached post or page, so the object and its list are frozen. Its dates, cursors and excerpts are not
 * frozen, and nothing changes them. The HTTP layer keeps the JSON of a post or page as long as the object.
 */
export function cachePosts(storage: Storage, options: PostCacheOptions): Storage {
  const { maxBytes, onDatabaseRestarted, onIndexWrite, counts = newCacheCounts() } = options;
  if (maxBytes === 0) return storage;
  const { users, posts, sessions, idempotencyKeys, unitOfWork, probe } = storage;
  const cache = new PostCache(maxBytes, counts);
  onDatabaseRestarted(() => cache.clear());
  onIndexWrite(() => cache.beginIndexWrite());
  const changing: Changing = async (change, write) => {
    const end = cache.beginChange(change);
    return write().finally(end);
  };
  return {
    users,
    posts: {
      ...postsChanging(posts, changing),
      findById: async (id, drafts, signal) => cache.find(id, drafts, async () => posts.findById(id, drafts, signal)),
      list: async (filter, sort, page, signal) =>
        cache.list({ filter, sort, page }, async () => posts.list(filter, sort, page, signal)),
      search: async (filter, query, page, signal) =>
        cache.search({ filter, query, page }, async () => posts.search(filter, query, page, signal)),
    },
    sessions,
    idempotencyKeys,
    unitOfWork: {
      run: async (work) => {
        const ends: (() => void)[] = [];
        const changingInUnit: Changing = async (change, write) => {
          ends.push(cache.beginChange(change));
          return write();
        };
        // Its own reads see its own writes, so they pass the cache.
        return unitOfWork
          .run(async (unit) => work({ ...unit, posts: postsChanging(unit.posts, changingInUnit) }))
          .finally(() => {
            for (const end of ends) end();
          });
      },
    },
    probe,
    close: async () => storage.close(),
  };
}

/** The posts that a write may change: it stores a post, replaces or deletes a version of one, or changes all posts of an author. */
interface PostChange {
  readonly stored?: Post;
  readonly replaced?: { readonly id: PostId; readonly version: Version };
  readonly authorId?: UserId;
}

/** Runs a write that may change these posts. */
type Changing = <T>(change: PostChange, write: () => Promise<T>) => Promise<T>;

/** Each method is named, so that a new method does not compile until it is added here, with or without a change. */
function postsChanging(posts: PostRepository, changing: Changing): PostRepository {
  return {
    insert: async (inserted) => changing({ stored: postOf(inserted) }, async () => posts.insert(inserted)),
    update: async (post, expected) =>
      changing({ stored: post, replaced: { id: post.id, version: expected } }, async () =>
        posts.update(post, expected),
      ),
    delete: async (id, expected) =>
      changing({ replaced: { id, version: expected } }, async () => posts.delete(id, expected)),
    deleteByAuthor: async (authorId, ...args) =>
      changing({ authorId }, async () => posts.deleteByAuthor(authorId, ...args)),
    reassign: async (from, ...args) => changing({ authorId: from }, async () => posts.reassign(from, ...args)),
    findById: async (...args) => posts.findById(...args),
    hasPublished: async (...args) => posts.hasPublished(...args),
    list: async (...args) => posts.list(...args),
    search: async (...args) => posts.search(...args),
  };
}

function postOf(inserted: Post | RecordedPost): Post {
  return "record" in inserted ? inserted.post : inserted;
}

interface ListRequest {
  readonly filter: PostFilter;
  readonly sort: PostSort;
  readonly page: PostPageRequest;
}

interface SearchRequest {
  readonly filter: PostFilter;
  readonly query: SearchQuery;
  readonly page: PostPageRequest;
}

interface CachedPage<Page extends CountedPage<Post> = CountedPage<Post>> {
  readonly page: Page;
  /** The tags of its list or search. */
  readonly tags: readonly string[];
}

/** The tag of every load of a post: the author is not known yet. */
const ANY_AUTHOR = "author:*";
/** The tag of every page. */
const ANY_LIST = "list";
/** The tag of every page of a search. */
const ANY_SEARCH = "search";

class PostCache {
  readonly #posts: CoherentCache<PostId, Post>;
  /** The pages of lists. */
  readonly #pages: CoherentCache<string, CachedPage>;
  readonly #searches: CoherentCache<string, CachedPage<SearchPage>>;
  readonly #counts: PostCacheCounts;

  constructor(maxBytes: number, counts: PostCacheCounts) {
    this.#counts = counts;
    const pageBytes = Math.ceil(maxBytes * PAGES_SHARE);
    const searchBytes = Math.ceil(maxBytes * SEARCHES_SHARE);
    this.#posts = new CoherentCache({
      maxBytes: maxBytes - pageBytes - searchBytes,
      bytesOf: bytesOfPost,
      freeze: (post) => Object.freeze(post),
      tagsOf: ({ authorId }: Post) => [tagOfAuthor(authorId)],
    });
    this.#pages = new CoherentCache(pageCacheOptions(pageBytes, bytesOfListedPost));
    this.#searches = new CoherentCache(pageCacheOptions(searchBytes, bytesOfFoundPost));
  }

  /**
   * Finds a post here, or loads it. A draft that the reader may not see is loaded like a missing post, so that the response time
   * does not reveal that it exists.
   */
  async find<E>(
    id: PostId,
    drafts: DraftFilter | null,
    load: () => Promise<Result<Post, E>>,
  ): Promise<Result<Post, E>> {
    const cached = this.#posts.get(id);
    const isHit = cached !== undefined && isVisible(cached, drafts);
    noteRead(this.#counts.posts, isHit);
    if (isHit) return ok(cached);
    return this.#posts.load(id, [ANY_AUTHOR], load, (post) => post);
  }

  /** Finds a page here, or loads it. */
  async list<E>(
    request: ListRequest,
    load: () => Promise<Result<CountedPage<Post>, E>>,
  ): Promise<Result<CountedPage<Post>, E>> {
    // The renewal of title keys moves posts within a list by title, and does not pass through here.
    if (request.sort.by === "title") return load();
    const tags = tagsOfFilter(request.filter);
    return findPage(this.#pages, this.#counts.pages, { key: JSON.stringify(request), tags }, load);
  }

  /** Finds a page of a search here, or loads it. */
  async search<E>(
    { filter, query, page }: SearchRequest,
    load: () => Promise<Result<SearchPage, E>>,
  ): Promise<Result<SearchPage, E>> {
    const key = JSON.stringify([filter, query.text, page]);
    const tags = [ANY_SEARCH, ...tagsOfFilter(filter)];
    return findPage(this.#searches, this.#counts.searches, { key, tags }, load);
  }

  /** Removes every page of a search, and caches none until the returned function is called. */
  beginIndexWrite(): () => void {
    return this.#searches.beginChange({ tags: [ANY_SEARCH] });
  }

  /** Removes what a write may change, and caches none of it until the returned function is called. */
  beginChange({ stored, replaced, authorId }: PostChange): () => void {
    const lists = [
      ...(stored === undefined ? [] : tagsOfLists(stored)),
      ...(replaced === undefined ? [] : this.#tagsOfListsBefore(replaced)),
      ...(authorId === undefined ? [] : [ANY_LIST]),
    ];
    const ends = [this.#pages.beginChange({ tags: lists }), this.#searches.beginChange({ tags: lists })];
    if (replaced !== undefined) ends.push(this.#posts.beginChange({ key: replaced.id }));
    if (authorId !== undefined) ends.push(this.#posts.beginChange({ tags: [tagOfAuthor(authorId), ANY_AUTHOR] }));
    return () => {
      for (const end of ends) end();
    };
  }

  /** The tags of the lists with a version of a post. A write replaces no other version, so a cached one has the author and status. */
  #tagsOfListsBefore({ id, version }: NonNullable<PostChange["replaced"]>): readonly string[] {
    const cached = this.#posts.get(id);
    return cached?.version === version ? tagsOfLists(cached) : [ANY_LIST];
  }

  clear(): void {
    this.#posts.clear();
    this.#pages.clear();
    this.#searches.clear();
  }
}

async function findPage<Page extends CountedPage<Post>, E>(
  cache: CoherentCache<string, CachedPage<Page>>,
  count: CacheCount,
  { key, tags }: { readonly key: string; readonly tags: readonly string[] },
  load: () => Promise<Result<Page, E>>,
): Promise<Result<Page, E>> {
  const cached = cache.get(key);
  noteRead(count, cached !== undefined);
  if (cached !== undefined) return ok(cached.page);
  return cache.load(key, tags, load, (page) => ({ page, tags }));
}

function tagOfAuthor(authorId: UserId): string {
  return `author:${authorId}`;
}

/** The tags of the lists that may contain a post. */
function tagsOfLists({ status, authorId }: Post): readonly string[] {
  return [tagOfList(status, null), tagOfList(status, authorId)];
}

function tagsOfFilter({ published, drafts }: PostFilter): readonly string[] {
  return [
    ANY_LIST,
    ...(published === null ? [] : [tagOfList("published", published.authorId)]),
    ...(drafts === null ? [] : [tagOfList("draft", drafts.authorId)]),
  ];
}

function tagOfList(status: Post["status"], authorId: UserId | null): string {
  return `${status}:${authorId ?? "*"}`;
}

function pageCacheOptions<Item extends Post, Page extends CountedPage<Item>>(
  maxBytes: number,
  bytesOf: (item: Item) => number,
): CoherentCacheOptions<CachedPage<Page>> {
  return {
    maxBytes,
    bytesOf: ({ page }) => bytesOfPage(page.items, bytesOf),
    freeze: ({ page }) => {
      for (const item of page.items) Object.freeze(item);
      Object.freeze(page.items);
      Object.freeze(page);
    },
    tagsOf: ({ tags }) => tags,
  };
}
