import { and, eq, is, sql } from "drizzle-orm";
import { PgTransaction } from "drizzle-orm/pg-core";
import { ok } from "neverthrow";
import { fail } from "../../domain/fail.ts";
import type { PostId } from "../../domain/id.ts";
import { restorePost, type Post } from "../../domain/post.ts";
import { pageOfPosts, sortKey, type PostRepository } from "../../domain/post-repository.ts";
import { rankKey } from "../../domain/post-search.ts";
import type { Version } from "../../domain/version.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { guardedWrite } from "./guarded-write.ts";
import { pageSelection, selectCounts } from "./post-lists.ts";
import { selectFound, selectFoundCount } from "./post-search.ts";
import { once, placeholdersOf, preparedFor, valuesOf } from "./prepared.ts";
import { posts } from "./schema.ts";
import { askTogether, lookUpTogether, writeTogether } from "./waiting-together.ts";

/** What a foreign key's violation tells of whoever stores a post. */
export const AUTHOR_NOT_FOUND = { posts_author_fkey: { kind: "author_not_found" } } as const;
const POST_NOT_FOUND = { kind: "post_not_found" } as const;

export function drizzlePosts(db: Database): PostRepository {
  const insertOf = preparedFor((rows) =>
    db.insert(posts).values(placeholdersOf(posts, rows)).prepare(`posts_insert_${rows}`),
  );
  const insertAll = async (rows: readonly Post[]) =>
    (
      await attempt(db, "posts.insert", async () => insertOf(rows.length).execute(valuesOf(rows)), AUTHOR_NOT_FOUND)
    ).map(() => rows.map(() => undefined));
  const selectByIds = once(() =>
    db
      .select()
      .from(posts)
      .where(sql`${posts.id} = any(${sql.placeholder("ids")})`)
      .prepare("posts_by_ids"),
  );
  const findRow = lookUpTogether(
    (row: typeof posts.$inferSelect) => row.id,
    async (ids: readonly PostId[]) => attempt(db, "posts.findById", async () => selectByIds().execute({ ids })),
  );
  const selectPage = pageSelection(db);

  return {
    // In a transaction a row that is refused takes all with it, and there is nobody else to wait for.
    insert: is(db, PgTransaction)
      ? async (post) => (await insertAll([post])).map(() => undefined)
      : writeTogether(insertAll),

    findById: async (id) =>
      (await findRow(id)).andThen((row) => (row === undefined ? fail(POST_NOT_FOUND) : ok(restorePost(row)))),

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
