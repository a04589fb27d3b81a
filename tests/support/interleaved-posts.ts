import type { Scheduler } from "fast-check";
import { err, ok, type Result } from "neverthrow";
import type { Storage } from "../../src/application/ports/storage.ts";
import { isVisible, type PostFilter } from "../../src/domain/post/post-list.ts";
import type { PostRepository } from "../../src/domain/post/post-repository.ts";
import type { Post } from "../../src/domain/post/post.ts";
import { fail } from "../../src/domain/shared/fail.ts";
import type { PostId } from "../../src/domain/shared/id.ts";
import type { StorageFailure } from "../../src/domain/shared/storage-failure.ts";
import type { Version } from "../../src/domain/shared/version.ts";
import { openMemoryStorage } from "../../src/infrastructure/memory/memory-storage.ts";

/** How a write ends. An unknown outcome and an exception may leave it stored or not. */
export type Ending = { readonly as: "answered" | "unknown" | "thrown"; readonly isStored: boolean };

const UNKNOWN: StorageFailure = {
  kind: "storage_failure",
  reason: "outcome_unknown",
  isTransient: false,
  operation: "posts",
  cause: { message: "The outcome is not known, on purpose." },
};

type Posts = Map<PostId, Post>;
type Effect<T> = (posts: Posts) => T;

/** The posts of a list in the order of their ids. */
export function listed(posts: Iterable<Post>, { published, drafts }: PostFilter): readonly Post[] {
  const contains = ({ status, authorId }: Post) => {
    const part = status === "published" ? published : drafts;
    return part !== null && (part.authorId ?? authorId) === authorId;
  };
  return [...posts].filter(contains).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * Posts whose reads and writes have two steps, the effect and the reply, which a scheduler interleaves. It keeps every state of
 * every post, of all posts, and of the posts that a search finds: those that are indexed. At first none is.
 */
export class InterleavedPosts {
  /** The ending of the write or unit of work that is called next. */
  ending: Ending = { as: "answered", isStored: true };
  readonly #scheduler: Scheduler;
  readonly #posts: Posts;
  readonly #states: Map<PostId, (Post | undefined)[]>;
  readonly #snapshots: (readonly Post[])[];
  readonly #searchable: (readonly Post[])[];
  #indexed: ReadonlySet<PostId> = new Set();
  #version = 1;

  constructor(scheduler: Scheduler, posts: readonly Post[]) {
    this.#scheduler = scheduler;
    this.#posts = new Map(posts.map((post) => [post.id, post]));
    this.#states = new Map(posts.map((post) => [post.id, [post]]));
    this.#snapshots = [posts];
    this.#searchable = [[]];
  }

  /** The version that a write of now expects. */
  versionOf(id: PostId): Version {
    return this.#posts.get(id)?.version ?? (0 as Version);
  }

  /** All states of the posts until now. The last one is the current state. */
  snapshots(): readonly (readonly Post[])[] {
    return this.#snapshots;
  }

  /** All states of the posts that a search finds, until now. The last one is the current state. */
  searchable(): readonly (readonly Post[])[] {
    return this.#searchable;
  }

  /** Indexes all posts. */
  async index(): Promise<void> {
    await this.#step("index");
    this.#indexed = new Set(this.#posts.keys());
    this.#searchable.push(this.#found());
    await this.#step("reply");
  }

  nextVersion(): Version {
    this.#version++;
    return this.#version as Version;
  }

  /** All states of a post until now. The last one is the current state. */
  statesOf(id: PostId): readonly (Post | undefined)[] {
    return this.#states.get(id) ?? [undefined];
  }

  storage(): Storage {
    const write = async <T>(effect: Effect<T>): Promise<Result<T, StorageFailure>> =>
      this.#end(() => this.#change(effect));
    return {
      ...openMemoryStorage(),
      posts: {
        ...repository(write, async (effect) => {
          await this.#step("read");
          const found = effect(this.#posts);
          await this.#step("reply");
          return found;
        }),
        search: async (filter) => {
          await this.#step("read");
          const items = listed(this.#found(), filter).map((post) => ({ ...post, rank: 0, excerpt: [] }));
          await this.#step("reply");
          return ok({ items, next: null, previous: null, total: null, totalIsExact: true, isComplete: true });
        },
      },
      unitOfWork: {
        run: async (work) => {
          const { ending } = this;
          await this.#step("begin");
          const own: Posts = new Map(this.#posts);
          const effects: Effect<unknown>[] = [];
          const writeInUnit = async <T>(effect: Effect<T>) => {
            effects.push(effect);
            await this.#step("write in a unit");
            return ok(effect(own));
          };
          const posts = repository(writeInUnit, async (effect) => effect(own));
          const worked = await work({ ...openMemoryStorage(), posts });
          if (worked.isErr()) return err(worked.error);
          this.ending = ending;
          const ended = await this.#end(() => {
            for (const effect of effects) this.#change(effect);
          });
          return ended.andThen(() => worked);
        },
      },
    };
  }

  async #end<T>(effect: () => T): Promise<Result<T, StorageFailure>> {
    const { as, isStored } = this.ending;
    await this.#step("write");
    const value = isStored || as === "answered" ? effect() : undefined;
    await this.#step("reply");
    if (as === "thrown") throw new Error("A defect, on purpose.");
    return as === "unknown" ? err(UNKNOWN) : ok(value as T);
  }

  async #step(label: string): Promise<void> {
    await this.#scheduler.schedule(Promise.resolve(), label);
  }

  #change<T>(effect: Effect<T>): T {
    const before = new Map(this.#posts);
    const value = effect(this.#posts);
    for (const id of new Set([...before.keys(), ...this.#posts.keys()])) {
      const post = this.#posts.get(id);
      if (post !== before.get(id)) this.#states.set(id, [...this.statesOf(id), post]);
    }
    this.#snapshots.push([...this.#posts.values()]);
    this.#searchable.push(this.#found());
    return value;
  }

  #found(): readonly Post[] {
    return [...this.#posts.values()].filter(({ id }) => this.#indexed.has(id));
  }
}

function repository(
  write: <T>(effect: Effect<T>) => Promise<Result<T, StorageFailure>>,
  read: <T>(effect: Effect<T>) => Promise<T>,
): PostRepository {
  return {
    ...openMemoryStorage().posts,
    findById: async (id, drafts) =>
      read((posts) => {
        const post = posts.get(id);
        return post !== undefined && isVisible(post, drafts) ? ok(post) : fail({ kind: "post_not_found" });
      }),
    list: async (filter) =>
      read((posts) => {
        const items = listed(posts.values(), filter);
        return ok({ items, next: null, previous: null, total: items.length });
      }),
    insert: async (inserted) => {
      const post = "record" in inserted ? inserted.post : inserted;
      return write((posts) => {
        if (!posts.has(post.id)) posts.set(post.id, post);
      });
    },
    update: async (post, expected) =>
      write((posts) => {
        if (posts.get(post.id)?.version === expected) posts.set(post.id, post);
      }),
    delete: async (id, expected) =>
      write((posts) => {
        if (posts.get(id)?.version === expected) posts.delete(id);
      }),
    deleteByAuthor: async (authorId) =>
      write((posts) => {
        for (const post of posts.values()) if (post.authorId === authorId) posts.delete(post.id);
        return null;
      }),
    reassign: async (from, to, now) =>
      write((posts) => {
        for (const post of posts.values()) {
          if (post.authorId !== from) continue;
          posts.set(post.id, { ...post, authorId: to, version: (post.version + 1000) as Version, updatedAt: now });
        }
        return null;
      }),
  };
}
