import { err, ok } from "neverthrow";
import type { BatchLimits } from "../../domain/shared/batch.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { Post } from "../../domain/post/post.ts";
import type { BatchCursor, PostRepository } from "../../domain/post/post-repository.ts";
import { isVisible } from "../../domain/post/post-list.ts";
import { storedRecordBytes } from "../../domain/shared/idempotency-record.ts";
import { storedPostBytes } from "../../domain/shared/storage-quota.ts";
import { nextVersion } from "../../domain/shared/version.ts";
import { claimKey, putRecord } from "./memory-idempotency-keys.ts";
import { hasRoomFor, type MemoryOptions } from "./memory-quota.ts";
import { listPage, searchPage } from "./post-pages.ts";
import { addRow, isPublishedAuthor, unlessAborted, type MemoryAccess, type MemoryTables } from "./memory-tables.ts";

const QUOTA_EXCEEDED = { kind: "account_quota_exceeded" } as const;

export function memoryPosts(access: MemoryAccess, options: MemoryOptions): PostRepository {
  return { ...postReads(access), ...postWrites(access, options), ...authorBatches(access) };
}

function postReads(access: MemoryAccess): Pick<PostRepository, "findById" | "hasPublished" | "list" | "search"> {
  return {
    findById: async (id, drafts, signal) =>
      access(
        unlessAborted("posts.findById", signal, ({ posts }) => {
          const post = posts.get(id);
          if (post === undefined || !isVisible(post, drafts)) return fail({ kind: "post_not_found" });
          return ok(structuredClone(post));
        }),
      ),

    hasPublished: async (authorId, signal) =>
      access(unlessAborted("posts.hasPublished", signal, ({ posts }) => ok(isPublishedAuthor(posts, authorId)))),

    list: async (filter, sort, page, signal) =>
      access(unlessAborted("posts.list", signal, ({ posts }) => ok(listPage(posts.values(), filter, sort, page)))),

    search: async (filter, query, page, signal) =>
      access(unlessAborted("posts.search", signal, ({ posts }) => ok(searchPage(posts.values(), filter, query, page)))),
  };
}

function postWrites(
  access: MemoryAccess,
  options: MemoryOptions,
): Pick<PostRepository, "insert" | "update" | "delete"> {
  return {
    insert: async (inserted) =>
      access((tables) => {
        const { post, record } = "record" in inserted ? inserted : { post: inserted, record: null };
        if (!tables.users.has(post.authorId)) return fail({ kind: "author_not_found" });
        const bytes = storedPostBytes(post) + (record === null ? 0 : storedRecordBytes(record));
        if (!hasRoomFor(bytes, post.authorId, tables, options)) return fail(QUOTA_EXCEEDED);
        if (record !== null) {
          const claimed = claimKey(tables, record.keyDigest, record.createdAt);
          if (claimed.isErr()) return err(claimed.error);
          putRecord(tables, record);
        }
        addRow(tables.posts, post);
        return ok();
      }),

    update: async (post, expected) =>
      access((tables) => {
        const { users, posts, removals } = tables;
        const stored = posts.get(post.id);
        if (stored === undefined) return fail({ kind: "post_not_found" });
        if (stored.version !== expected) return fail({ kind: "version_conflict" });
        const isLeaving = removals.has(post.authorId) && post.authorId === stored.authorId;
        if (!users.has(post.authorId) && !isLeaving) return fail({ kind: "author_not_found" });
        const growth = storedPostBytes(post) - storedPostBytes(stored);
        const hasRoom = growth <= 0 || isLeaving || hasRoomFor(growth, post.authorId, tables, options);
        if (!hasRoom) return fail(QUOTA_EXCEEDED);
        posts.set(post.id, structuredClone(post));
        return ok();
      }),

    delete: async (id, expected) =>
      access(({ posts }) => {
        const stored = posts.get(id);
        if (stored === undefined) return fail({ kind: "post_not_found" });
        if (stored.version !== expected) return fail({ kind: "version_conflict" });
        posts.delete(id);
        return ok();
      }),
  };
}

/** Deletes or reassigns the posts of an author, a batch at a time. */
function authorBatches(access: MemoryAccess): Pick<PostRepository, "deleteByAuthor" | "reassign"> {
  return {
    deleteByAuthor: async (authorId, limits, after) =>
      access((tables) => {
        const batch = batchOfAuthor(tables, authorId, limits, after);
        for (const { id } of batch) tables.posts.delete(id);
        return ok(cursorOf(batch.at(-1)));
      }),

    reassign: async (from, to, now, limits, after) =>
      access((tables) => {
        const batch = batchOfAuthor(tables, from, limits, after);
        if (batch.length > 0 && !tables.users.has(to)) return fail({ kind: "author_not_found" });
        for (const post of batch) {
          const given = { authorId: to, version: nextVersion(post.version), updatedAt: new Date(now) };
          tables.posts.set(post.id, { ...post, ...given });
        }
        return ok(cursorOf(batch.at(-1)));
      }),
  };
}

function batchOfAuthor(
  { posts }: MemoryTables,
  authorId: UserId,
  { rows, bytes }: BatchLimits,
  after: BatchCursor | null,
): readonly Post[] {
  const left = [...posts.values()].filter(
    (post) => post.authorId === authorId && (after === null || compare(post, after) > 0),
  );
  const batch: Post[] = [];
  let size = 0;
  for (const post of left.toSorted(compare).slice(0, rows)) {
    if (size >= bytes) break;
    batch.push(post);
    size += storedPostBytes(post);
  }
  return batch;
}

function compare(a: BatchCursor, b: BatchCursor): number {
  return `${a.status} ${a.id}` < `${b.status} ${b.id}` ? -1 : Number(a.id !== b.id);
}

function cursorOf(post: Post | undefined): BatchCursor | null {
  return post === undefined ? null : { status: post.status, id: post.id };
}
