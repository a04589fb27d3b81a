import { LRUCache } from "lru-cache";
import { ok, type Result } from "neverthrow";
import type { Storage } from "../../application/ports/storage.ts";
import { isVisible, type DraftFilter } from "../../domain/post/post-list.ts";
import type { PostRepository } from "../../domain/post/post-repository.ts";
import type { Post } from "../../domain/post/post.ts";
import type { PostId, UserId } from "../../domain/shared/id.ts";

/**
 * The memory of a cached post without its texts: the post, its ids and dates, the metadata in its JSON, and the entry of the
 * cache. Measured on Node 20: 630 bytes.
 */
const POST_BYTES = 768;

export interface PostCacheOptions {
  /** The bound on the memory of the cache; 0 for no cache. */
  readonly maxBytes: number;
  /** Registers a listener for each time that the database restarts, which may undo what a read has seen. */
  readonly onDatabaseRestarted: (listener: () => void) => void;
}

/**
 * Caches posts by id. The cache is coherent: from the beginning of a write until its end, whatever its outcome is, its posts are
 * not in the cache, and a read that overlaps the write is not cached. A unit of work ends its writes at its own end. So a read
 * never returns a post that is older than an acknowledged write or than an earlier read. Every write must pass through here, so
 * one process must own the database.
 *
 * All callers share a cached post, so it is frozen. JavaScript cannot freeze its dates; no rule of the domain changes a date.
 */
export function cachePosts(storage: Storage, { maxBytes, onDatabaseRestarted }: PostCacheOptions): Storage {
  if (maxBytes === 0) return storage;
  const { users, posts, sessions, idempotencyKeys, unitOfWork, probe } = storage;
  const cache = new PostCache(maxBytes);
  onDatabaseRestarted(() => cache.clear());
  const changing: Changing = async (change, write) => {
    const end = cache.beginChange(change);
    return write().finally(end);
  };
  return {
    users,
    posts: {
      ...postsChanging(posts, changing),
      findById: async (id, drafts, signal) => cache.find(id, drafts, async () => posts.findById(id, drafts, signal)),
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

/** The posts that a write may change: one post, or all posts of an author. */
type Change = { readonly id: PostId } | { readonly authorId: UserId };

/** Runs a write that may change these posts. */
type Changing = <T>(change: Change, write: () => Promise<T>) => Promise<T>;

/** Each method is named, so that a new method does not compile until it is added here, with or without a change. */
function postsChanging(posts: PostRepository, changing: Changing): PostRepository {
  return {
    // Nothing is cached for an id that was not found, so a new post changes nothing.
    insert: async (...args) => posts.insert(...args),
    update: async (post, expected) => changing({ id: post.id }, async () => posts.update(post, expected)),
    delete: async (id, expected) => changing({ id }, async () => posts.delete(id, expected)),
    deleteByAuthor: async (authorId, ...args) =>
      changing({ authorId }, async () => posts.deleteByAuthor(authorId, ...args)),
    reassign: async (from, ...args) => changing({ authorId: from }, async () => posts.reassign(from, ...args)),
    findById: async (...args) => posts.findById(...args),
    hasPublished: async (...args) => posts.hasPublished(...args),
    list: async (...args) => posts.list(...args),
    search: async (...args) => posts.search(...args),
  };
}

/** The reads of one post that overlap each other and no change of the post. */
interface Reads {
  running: number;
}

class PostCache {
  readonly #posts: LRUCache<PostId, Post>;
  /** The cached posts of each author. A change of all posts of an author must not scan the cache, as it comes in many batches. */
  readonly #idsOfAuthors = new Map<UserId, Set<PostId>>();
  /** The running reads whose result may be cached. */
  readonly #reads = new Map<PostId, Reads>();
  /** The number of running changes of each post. */
  readonly #changes = new Map<PostId, number>();
  /** The number of running changes of all posts of an author. */
  #authorChanges = 0;

  constructor(maxBytes: number) {
    const dispose = (post: Post) => this.#unindex(post);
    this.#posts = new LRUCache({ maxSize: maxBytes, sizeCalculation: bytesOf, dispose });
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
    if (cached !== undefined && isVisible(cached, drafts)) return ok(cached);
    const isChanging = this.#changes.has(id) || this.#authorChanges > 0;
    return isChanging ? load() : this.#loadAndKeep(id, load);
  }

  async #loadAndKeep<E>(id: PostId, load: () => Promise<Result<Post, E>>): Promise<Result<Post, E>> {
    const reads = this.#reads.get(id) ?? { running: 0 };
    this.#reads.set(id, reads);
    reads.running++;
    try {
      const found = await load();
      // A change or a restart that began after this read has removed its entry.
      if (found.isOk() && this.#reads.get(id) === reads) this.#keep(found.value);
      return found;
    } finally {
      reads.running--;
      if (reads.running === 0 && this.#reads.get(id) === reads) this.#reads.delete(id);
    }
  }

  #keep(post: Post): void {
    const { id, authorId } = post;
    this.#posts.set(id, Object.freeze(post));
    // A post that is larger than the cache is not in it.
    if (!this.#posts.has(id)) return;
    const ids = this.#idsOfAuthors.get(authorId) ?? new Set();
    this.#idsOfAuthors.set(authorId, ids.add(id));
  }

  #unindex({ id, authorId }: Post): void {
    const ids = this.#idsOfAuthors.get(authorId);
    ids?.delete(id);
    if (ids?.size === 0) this.#idsOfAuthors.delete(authorId);
  }

  /** Removes the posts of a change, and caches none of them until the returned function is called. */
  beginChange(change: Change): () => void {
    return "id" in change ? this.#beginPostChange(change.id) : this.#beginAuthorChange(change.authorId);
  }

  #beginPostChange(id: PostId): () => void {
    this.#posts.delete(id);
    this.#reads.delete(id);
    this.#changes.set(id, (this.#changes.get(id) ?? 0) + 1);
    return () => {
      const left = (this.#changes.get(id) ?? 0) - 1;
      if (left > 0) this.#changes.set(id, left);
      else this.#changes.delete(id);
    };
  }

  /** A running read may return any post of the author, so none is cached. */
  #beginAuthorChange(authorId: UserId): () => void {
    for (const id of this.#idsOfAuthors.get(authorId) ?? []) this.#posts.delete(id);
    this.#reads.clear();
    this.#authorChanges++;
    return () => {
      this.#authorChanges--;
    };
  }

  clear(): void {
    this.#posts.clear();
    this.#reads.clear();
  }
}

/**
 * Estimates the memory of a post and of its JSON, which the HTTP layer keeps as long as the post. V8 stores a text with one or
 * two bytes for each UTF-16 code unit.
 */
function bytesOf({ title, content }: Post): number {
  const units = title.length + content.length;
  const isAscii = Buffer.byteLength(title) + Buffer.byteLength(content) === units;
  return POST_BYTES + 2 * units * (isAscii ? 1 : 2);
}
