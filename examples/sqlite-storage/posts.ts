import type { Database } from "better-sqlite3";
import { err, ok } from "neverthrow";
import {
  fail,
  isVisible,
  nextVersion,
  restorePost,
  storedPostBytes,
  storedRecordBytes,
  type BatchCursor,
  type BatchLimits,
  type Post,
  type PostRepository,
  type UserId,
} from "quire-api";
import { listPage, searchPage } from "quire-api/memory";
import type { Access } from "./access.ts";
import { hasRoomFor } from "./quota.ts";
import { claimKey, putRecord } from "./replay-records.ts";
import type { SqliteOptions } from "./sqlite-storage.ts";
import { hasUser, isLeaving } from "./users.ts";

interface PostRow {
  readonly id: string;
  readonly author_id: string;
  readonly title: string;
  readonly content: string;
  readonly published_at: number | null;
  readonly version: number;
  readonly created_at: number;
  readonly updated_at: number;
}

export function sqlitePosts(db: Database, access: Access, options: SqliteOptions): PostRepository {
  return { ...postReads(db, access), ...postWrites(db, access, options), ...authorBatches(db, access) };
}

/** `listPage` and `searchPage` sort and search in memory, which is enough for some thousand posts. */
function postReads(
  db: Database,
  access: Access,
): Pick<PostRepository, "findById" | "hasPublished" | "list" | "search"> {
  const all = () => db.prepare<[], PostRow>("select * from posts").all().map(restore);
  return {
    findById: async (id, drafts, signal) =>
      access(
        "posts.findById",
        () => {
          const post = find(db, id);
          return post === null || !isVisible(post, drafts) ? fail({ kind: "post_not_found" }) : ok(post);
        },
        signal,
      ),
    hasPublished: async (authorId, signal) =>
      access(
        "posts.hasPublished",
        () => {
          const published = "select 1 from posts where author_id = ? and published_at is not null";
          return ok(db.prepare(published).get(authorId) !== undefined);
        },
        signal,
      ),
    list: async (filter, sort, page, signal) =>
      access("posts.list", () => ok(listPage(all(), filter, sort, page)), signal),
    search: async (filter, query, page, signal) =>
      access("posts.search", () => ok(searchPage(all(), filter, query, page)), signal),
  };
}

function postWrites(
  db: Database,
  access: Access,
  options: SqliteOptions,
): Pick<PostRepository, "insert" | "update" | "delete"> {
  return {
    insert: async (inserted) =>
      access("posts.insert", () => {
        const { post, record } = "record" in inserted ? inserted : { post: inserted, record: null };
        if (!hasUser(db, post.authorId)) return fail({ kind: "author_not_found" });
        const bytes = storedPostBytes(post) + (record === null ? 0 : storedRecordBytes(record));
        if (!hasRoomFor(db, bytes, post.authorId, options)) return fail({ kind: "account_quota_exceeded" });
        if (record !== null) {
          const claimed = claimKey(db, record.keyDigest, record.createdAt);
          if (claimed.isErr()) return err(claimed.error);
          putRecord(db, record);
        }
        put(db, "insert", post);
        return ok();
      }),
    update: async (post, expected) =>
      access("posts.update", () => {
        const stored = find(db, post.id);
        if (stored === null) return fail({ kind: "post_not_found" });
        if (stored.version !== expected) return fail({ kind: "version_conflict" });
        const isLeavers = stored.authorId === post.authorId && isLeaving(db, post.authorId);
        if (!hasUser(db, post.authorId) && !isLeavers) return fail({ kind: "author_not_found" });
        const growth = storedPostBytes(post) - storedPostBytes(stored);
        if (growth > 0 && !isLeavers && !hasRoomFor(db, growth, post.authorId, options))
          return fail({ kind: "account_quota_exceeded" });
        put(db, "replace", post);
        return ok();
      }),
    delete: async (id, expected) =>
      access("posts.delete", () => {
        const stored = find(db, id);
        if (stored === null) return fail({ kind: "post_not_found" });
        if (stored.version !== expected) return fail({ kind: "version_conflict" });
        db.prepare("delete from posts where id = ?").run(id);
        return ok();
      }),
  };
}

/** Deletes or reassigns the posts of an author, a batch at a time: the drafts, then the published posts, by their ids. */
function authorBatches(db: Database, access: Access): Pick<PostRepository, "deleteByAuthor" | "reassign"> {
  return {
    deleteByAuthor: async (authorId, limits, after) =>
      access("posts.deleteByAuthor", () => {
        const batch = batchOf(db, authorId, limits, after);
        for (const { id } of batch) db.prepare("delete from posts where id = ?").run(id);
        return ok(cursorOf(batch.at(-1)));
      }),
    reassign: async (from, to, now, limits, after) =>
      access("posts.reassign", () => {
        const batch = batchOf(db, from, limits, after);
        if (batch.length > 0 && !hasUser(db, to)) return fail({ kind: "author_not_found" });
        for (const post of batch) {
          put(db, "replace", { ...post, authorId: to, version: nextVersion(post.version), updatedAt: now });
        }
        return ok(cursorOf(batch.at(-1)));
      }),
  };
}

const BATCH = `select * from posts
  where author_id = ? and ((published_at is not null), id) > (?, ?) order by published_at is not null, id limit ?`;

function batchOf(db: Database, authorId: UserId, { rows, bytes }: BatchLimits, after: BatchCursor | null): Post[] {
  const found = db
    .prepare<unknown[], PostRow>(BATCH)
    .all(authorId, after?.status === "published" ? 1 : 0, after?.id ?? "", rows)
    .map(restore);
  let size = 0;
  return found.filter((post) => {
    const isIn = size < bytes;
    size += storedPostBytes(post);
    return isIn;
  });
}

function cursorOf(post: Post | undefined): BatchCursor | null {
  return post === undefined ? null : { status: post.status, id: post.id };
}

function find(db: Database, id: string): Post | null {
  const row = db.prepare<[string], PostRow>("select * from posts where id = ?").get(id);
  return row === undefined ? null : restore(row);
}

function put(db: Database, verb: "insert" | "replace", post: Post): void {
  const { id, authorId, title, content, publishedAt, version, createdAt, updatedAt } = post;
  const times = [createdAt.getTime(), updatedAt.getTime()];
  const values = [id, authorId, title, content, publishedAt?.getTime() ?? null, version, ...times];
  db.prepare(`${verb} into posts values (?, ?, ?, ?, ?, ?, ?, ?)`).run(values);
}

/** The domain checks what the store returns. A published post without content is damage. */
function restore(row: PostRow): Post {
  const stored = {
    id: row.id,
    authorId: row.author_id,
    title: row.title,
    content: row.content,
    publishedAt: row.published_at === null ? null : new Date(row.published_at),
    version: row.version,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  } as Parameters<typeof restorePost>[0];
  return restorePost(stored).match(
    (post) => post,
    () => {
      throw Object.assign(new Error("A published post has no content."), { code: "SQLITE_CORRUPT" });
    },
  );
}
