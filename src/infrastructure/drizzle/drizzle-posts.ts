import { and, eq, is, or, sql } from "drizzle-orm";
import { PgTransaction } from "drizzle-orm/pg-core";
import { ok } from "neverthrow";
import { fail } from "../../domain/fail.ts";
import type { PostId } from "../../domain/id.ts";
import { restorePost, type Post } from "../../domain/post.ts";
import {
  isVisible,
  pageOfPosts,
  sortKey,
  type DraftFilter,
  type PostRepository,
} from "../../domain/post-repository.ts";
import { rankKey } from "../../domain/post-search.ts";
import type { Version } from "../../domain/version.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { guardedWrite } from "./guarded-write.ts";
import { pageSelection, selectCounts } from "./post-lists.ts";
import { selectFound, selectFoundCount } from "./post-search.ts";
import { once, placeholdersOf, preparedFor, valuesOf } from "./prepared.ts";
import { posts } from "./schema.ts";
import { askTogether, lookUpAskedTogether, writeTogether } from "./waiting-together.ts";

/** What a foreign key's violation tells of whoever stores a post. */
export const AUTHOR_NOT_FOUND = { posts_author_fkey: { kind: "author_not_found" } } as const;
const POST_NOT_FOUND = { kind: "post_not_found" } as const;

interface AskedPost {
  readonly id: PostId;
  readonly drafts: DraftFilter | null;
}

/**
 * Whether a post is asked for by one who may see it as a draft: its author, or one for whom no author is named. The
 * condition reads no content, which PostgreSQL keeps outside the row when it is long (PostgreSQL 18, 66.2): a draft that is
 * hidden costs what no post costs.
 */
const isAskedForAsDraft = sql`exists (
  select from unnest(${sql.placeholder("draftIds")}::uuid[], ${sql.placeholder("draftAuthors")}::uuid[]) as asked (id, author_id)
  where asked.id = ${posts.id} and coalesce(asked.author_id, ${posts.authorId}) = ${posts.authorId}
)`;

export function drizzlePosts(db: Database): PostRepository {
  const insertOf = preparedFor((rows) =>
    db.insert(posts).values(placeholdersOf(posts, rows)).prepare(`posts_insert_${rows}`),
  );
  const insertAll = async (rows: readonly Post[]) =>
    (
      await attempt(db, "posts.insert", async () => insertOf(rows.length).execute(valuesOf(rows)), AUTHOR_NOT_FOUND)
    ).map(() => rows.map(() => undefined));
  const selectVisible = once(() =>
    db
      .select()
      .from(posts)
      .where(
        and(sql`${posts.id} = any(${sql.placeholder("ids")})`, or(eq(posts.status, "published"), isAskedForAsDraft)),
      )
      .prepare("posts_visible_by_ids"),
  );
  const findRow = lookUpAskedTogether({
    keyOf: (row: typeof posts.$inferSelect) => row.id,
    keyAskedFor: ({ id }: AskedPost) => id,
    select: async (asked: readonly AskedPost[]) =>
      attempt(db, "posts.findById", async () => {
        const ids = asked.map(({ id }) => id);
        const ofDrafts = asked.filter(({ drafts }) => drafts !== null);
        const draftIds = ofDrafts.map(({ id }) => id);
        const draftAuthors = ofDrafts.map(({ drafts }) => drafts?.authorId ?? null);
        return selectVisible().execute({ ids, draftIds, draftAuthors });
      }),
  });
  const selectPage = pageSelection(db);

  return {
    // In a transaction a row that is refused takes all with it, and there is nobody else to wait for.
    insert: is(db, PgTransaction)
      ? async (post) => (await insertAll([post])).map(() => undefined)
      : writeTogether(insertAll),

    // Another may have asked for the same post as its author in the same turn, so each sees for themself.
    findById: async (id, drafts) =>
      (await findRow({ id, drafts })).andThen((row) =>
        row === undefined || !isVisible(row, drafts) ? fail(POST_NOT_FOUND) : ok(restorePost(row)),
      ),

    hasPublished: async (authorId) =>
      (
        await attempt(db, "posts.hasPublished", async () =>
          db
            .select({ id: posts.id })
            .from(posts)
            .where(and(eq(posts.authorId, authorId), eq(posts.status, "published")))
            .limit(1),
        )
      ).map((rows) => rows.length > 0),

    list: askTogether(async (filter, sort, page) =>
      (await attempt(db, "posts.list", async () => selectPage(filter, sort, page))).map((rows) =>
        pageOfPosts(rows.map(restorePost), page, (post) => sortKey(post, sort)),
      ),
    ),

    search: askTogether(async (filter, query, page) =>
      (await attempt(db, "posts.search", async () => selectFound(db, filter, query, page))).map((found) =>
        pageOfPosts(found, page, rankKey),
      ),
    ),

    count: askTogether(async (filter, query) => {
      const select = async () => (query === null ? selectCounts(db, filter) : selectFoundCount(db, filter, query));
      return (await attempt(db, "posts.count", select)).map((counts) =>
        counts.reduce((total, { count }) => total + count, 0),
      );
    }),

    update: async (post, expected) =>
      guardedWrite(db, {
        operation: "posts.update",
        write: async () =>
          db
            .update(posts)
            .set(post)
            .where(and(eq(posts.id, post.id), eq(posts.version, expected)))
            .returning({ id: posts.id }),
        exists: async () => db.select({ id: posts.id }).from(posts).where(eq(posts.id, post.id)),
        notFound: POST_NOT_FOUND,
        constraints: AUTHOR_NOT_FOUND,
      }),

    delete: async (id, expected) =>
      guardedWrite(db, {
        operation: "posts.delete",
        write: async () =>
          db
            .delete(posts)
            .where(and(eq(posts.id, id), eq(posts.version, expected)))
            .returning({ id: posts.id }),
        exists: async () => db.select({ id: posts.id }).from(posts).where(eq(posts.id, id)),
        notFound: POST_NOT_FOUND,
      }),

    deleteByAuthor: async (authorId) =>
      (await attempt(db, "posts.deleteByAuthor", async () => db.delete(posts).where(eq(posts.authorId, authorId)))).map(
        () => undefined,
      ),

    reassign: async (from, to, now) =>
      (
        await attempt(
          db,
          "posts.reassign",
          async () =>
            db
              .update(posts)
              .set({ authorId: to, version: sql<Version>`${posts.version} + 1`, updatedAt: now })
              .where(eq(posts.authorId, from)),
          AUTHOR_NOT_FOUND,
        )
      ).map(() => undefined),
  };
}
