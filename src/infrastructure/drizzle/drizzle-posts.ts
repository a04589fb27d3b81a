import { and, eq, or, sql, type SQL } from "drizzle-orm";
import { ok, safeTry, Result } from "neverthrow";
import type { BatchLimits } from "../../domain/shared/batch.ts";
import { fail } from "../../domain/shared/fail.ts";
import { NIL_ID, type PostId, type UserId } from "../../domain/shared/id.ts";
import type { Post } from "../../domain/post/post.ts";
import type { BatchCursor, PostRepository } from "../../domain/post/post-repository.ts";
import {
  isVisible,
  sortKey,
  type DraftFilter,
  type PostFilter,
  type PostPageRequest,
  type PostSort,
} from "../../domain/post/post-list.ts";
import { toPostPage } from "../../domain/post/post-page.ts";
import type { SearchQuery } from "../../domain/search/search-query.ts";
import { storedPostBytes } from "../../domain/shared/storage-quota.ts";
import type { Version } from "../../domain/shared/version.ts";
import { accountQuota, type AccountQuota, type StorageOptions } from "./account-quota.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { guardedWrite } from "./guarded-write.ts";
import { AUTHOR_NOT_FOUND, postInsertion } from "./post-insertion.ts";
import { pageSelection, type ListedRow } from "./post-lists.ts";
import { POST_COLUMNS, postRow, toPost, type PostRow } from "./post-row.ts";
import { once } from "./prepared.ts";
import { accountUsage, posts } from "./schema.ts";
import { postSearch, toSearchPage } from "./search/post-search.ts";
import { batchLookupsBy, singleFlight } from "./batching.ts";

const POST_NOT_FOUND = { kind: "post_not_found" } as const;
const QUOTA_EXCEEDED = { kind: "account_quota_exceeded" } as const;

interface PostLookup {
  readonly id: PostId;
  readonly drafts: DraftFilter | null;
}

/**
 * True if a lookup may see the post as a draft: its `author_id` is the author of the post, or is null. The condition reads no
 * content, which PostgreSQL stores outside the row when it is long (PostgreSQL 18, 66.2). So a hidden draft takes the same
 * time as a missing post.
 */
const isVisibleDraft = sql`exists (
  select from unnest(${sql.placeholder("draftIds")}::uuid[], ${sql.placeholder("draftAuthors")}::uuid[]) as wanted (id, author_id)
  where wanted.id = ${posts.id} and coalesce(wanted.author_id, ${posts.authorId}) = ${posts.authorId}
)`;

export function drizzlePosts(db: Database, options: StorageOptions): PostRepository {
  const quota = accountQuota(db, options);
  return { ...postReads(db), ...postWrites(db, quota), ...authorBatches(db, quota) };
}

/** Finds posts by their ids, with batched lookups. */
function postLookup(db: Database) {
  const selectVisible = once(() =>
    db
      .select(POST_COLUMNS)
      .from(posts)
      .where(and(sql`${posts.id} = any(${sql.placeholder("ids")})`, or(eq(posts.status, "published"), isVisibleDraft)))
      .prepare("posts_visible_by_ids"),
  );
  return batchLookupsBy("posts.findById", {
    keyOf: (row: PostRow) => row.id,
    keyWanted: ({ id }: PostLookup) => id,
    select: async (lookups: readonly PostLookup[], signal) => {
      const select = async () => {
        const ids = lookups.map(({ id }) => id);
        const draftLookups = lookups.filter(({ drafts }) => drafts !== null);
        const draftIds = draftLookups.map(({ id }) => id);
        const draftAuthors = draftLookups.map(({ drafts }) => drafts?.authorId ?? null);
        return selectVisible().execute({ ids, draftIds, draftAuthors });
      };
      return attempt(db, "posts.findById", select, {}, signal);
    },
  });
}

function postReads(db: Database): Pick<PostRepository, "findById" | "hasPublished" | "list" | "search"> {
  const findRow = postLookup(db);
  const selectPage = pageSelection(db);
  const listOnce = singleFlight(async (signal, filter: PostFilter, sort: PostSort, page: PostPageRequest) =>
    (await attempt(db, "posts.list", async () => selectPage(filter, sort, page), {}, signal)).andThen(
      ({ rows, total }) => {
        const keyOf = sort.by === "title" ? titleKeyOf(rows) : (post: Post) => sortKey(post, sort);
        const restored = Result.combine(rows.map(({ post }) => toPost(post, "posts.list")));
        return restored.map((read) => ({ ...toPostPage(read, page, keyOf), total }));
      },
    ),
  );
  const { select } = postSearch(db);
  const searchOnce = singleFlight(async (signal, filter: PostFilter, query: SearchQuery, page: PostPageRequest) =>
    (await attempt(db, "posts.search", async () => select(filter, query, page, signal), {}, signal)).andThen((found) =>
      toSearchPage(found, query, page),
    ),
  );

  return {
    findById: async (id, drafts, signal) =>
      (await findRow({ id, drafts }, signal)).andThen((row) =>
        row === undefined || !isVisible(row, drafts) ? fail(POST_NOT_FOUND) : toPost(row, "posts.findById"),
      ),

    hasPublished: async (authorId, signal) =>
      (
        await attempt(
          db,
          "posts.hasPublished",
          async () =>
            db
              .select({ id: posts.id })
              .from(posts)
              .where(and(eq(posts.authorId, authorId), eq(posts.status, "published")))
              .limit(1)
              .execute(),
          {},
          signal,
        )
      ).map((rows) => rows.length > 0),

    list: async (filter, sort, page, signal) => listOnce(signal, filter, sort, page),

    search: async (filter, query, page, signal) => searchOnce(signal, filter, query, page),
  };
}

/** The keys come from the database: a post that an older program wrote is ordered by its title until it has a key. */
function titleKeyOf(rows: readonly ListedRow[]): (post: Post) => string | null {
  const titleKeys = new Map(rows.map(({ post, titleKey }) => [post.id, titleKey]));
  return ({ id }) => titleKeys.get(id) ?? null;
}

function postWrites(db: Database, quota: AccountQuota): Pick<PostRepository, "insert" | "update" | "delete"> {
  /**
   * True if the growth of a post fits into its author's quota. The quota does not apply to the posts of a removed user. On a
   * server, concurrent updates may exceed the quota by their growth. To lock the account before the post would deadlock with
   * deletions, which lock the post first.
   */
  const hasRoomFor = (post: Post): SQL => {
    const growth = sql`${storedPostBytes(post)}::bigint - public.post_bytes(${posts.title}, ${posts.content})`;
    return sql`(${growth} <= 0 or not exists (
      select from account_usage where user_id = ${post.authorId} and bytes + ${growth} > ${quota.maxBytes}))`;
  };

  return {
    insert: postInsertion(db, quota),

    update: async (post, expected) =>
      guardedWrite(db, {
        operation: "posts.update",
        write: async () =>
          db
            .update(posts)
            .set(postRow(post))
            .where(and(eq(posts.id, post.id), eq(posts.version, expected), hasRoomFor(post)))
            .returning({ id: posts.id }),
        exists: async () => db.select({ version: posts.version }).from(posts).where(eq(posts.id, post.id)),
        notFound: POST_NOT_FOUND,
        constraints: AUTHOR_NOT_FOUND,
        refusal: { expected, failure: QUOTA_EXCEEDED },
      }),

    delete: async (id, expected) =>
      guardedWrite(db, {
        operation: "posts.delete",
        write: async () =>
          db
            .delete(posts)
            .where(and(eq(posts.id, id), eq(posts.version, expected)))
            .returning({ id: posts.id }),
        exists: async () => db.select({ version: posts.version }).from(posts).where(eq(posts.id, id)),
        notFound: POST_NOT_FOUND,
      }),
  };
}

/** Deletes or reassigns the posts of an author, a batch at a time. */
function authorBatches(db: Database, { locking }: AccountQuota): Pick<PostRepository, "deleteByAuthor" | "reassign"> {
  const accountOf = (to: UserId): SQL => sql`select user_id from account_usage where user_id = ${to}${locking}`;

  return {
    deleteByAuthor: async (authorId, limits, after) =>
      (
        await attempt(db, "posts.deleteByAuthor", async () =>
          db
            .delete(posts)
            .where(sql`${posts.id} = any(array(${batchOfAuthor(authorId, limits, after)}))`)
            .returning(CURSOR),
        )
      ).map(lastCursor),

    reassign: async (from, to, now, limits, after) =>
      safeTry(async function* () {
        const given = yield* await attempt(
          db,
          "posts.reassign",
          async () =>
            db
              .with(db.$with("new_author", { userId: accountUsage.userId }).as(accountOf(to)))
              .update(posts)
              .set({
                authorId: to,
                version: sql<Version>`${posts.version} + 1`,
                // The title does not change, so a current key stays current and an outdated one stays outdated.
                titleKeyVersion: sql<Version>`${posts.titleKeyVersion} + 1`,
                updatedAt: now,
              })
              .where(
                // Another process may have reassigned the post since it was selected. `is not distinct from` uses no index.
                sql`${posts.authorId} is not distinct from ${from} and exists (select from new_author)
                  and ${posts.id} = any(array(${batchOfAuthor(from, limits, after)}))`,
              )
              .returning(CURSOR),
          AUTHOR_NOT_FOUND,
        );
        if (given.length > 0) return ok(lastCursor(given));
        const left = yield* await attempt(db, "posts.reassign", async () => {
          const isThere = sql<boolean>`exists (${accountOf(to)})`;
          return db.select({ isThere }).from(posts).where(isAfter(from, after)).limit(1);
        });
        return left[0]?.isThere === false ? fail({ kind: "author_not_found" }) : ok(null);
      }),
  };
}

const CURSOR = { status: posts.status, id: posts.id };

function isAfter(authorId: UserId, after: BatchCursor | null): SQL {
  const { status, id } = after ?? { status: "", id: NIL_ID };
  return sql`${posts.authorId} = ${authorId} and (${posts.status}, ${posts.id}) > (${status}, ${id}::uuid)`;
}

/** The ids of a batch of an author's posts, in the order of an index. It starts after the cursor, to skip dead index entries. */
function batchOfAuthor(authorId: UserId, { rows, bytes }: BatchLimits, after: BatchCursor | null): SQL {
  return sql`select id from (
      select id, sum(bytes) over (order by status, id) - bytes as bytes_before from (
        select id, status, public.post_bytes(title, content) as bytes from ${posts}
        where ${isAfter(authorId, after)} order by status, id limit ${rows}
      ) as next
    ) as batch where bytes_before < ${bytes}`;
}

function lastCursor(changed: readonly BatchCursor[]): BatchCursor | null {
  return changed.toSorted((a, b) => compare(a.status, b.status) || compare(a.id, b.id)).at(-1) ?? null;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
