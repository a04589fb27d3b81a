import { and, desc, eq, is, lt, sql } from "drizzle-orm";
import { PgTransaction, unionAll } from "drizzle-orm/pg-core";
import { ok } from "neverthrow";
import { fail } from "../../domain/fail.ts";
import type { PostId, UserId } from "../../domain/id.ts";
import type { PageRequest } from "../../domain/page.ts";
import { restorePost, type Post, type PostStatus } from "../../domain/post.ts";
import { PAGE_FULL_CONTENT_BYTES, pageOfPosts, type PostFilter, type PostRepository } from "../../domain/post-repository.ts";
import type { Version } from "../../domain/version.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { guardedWrite } from "./guarded-write.ts";
import { once, placeholdersOf, preparedFor, valuesOf } from "./prepared.ts";
import { posts } from "./schema.ts";
import { askTogether, lookUpTogether, writeTogether } from "./waiting-together.ts";

const AUTHOR_NOT_FOUND = { posts_author_fkey: { kind: "author_not_found" } } as const;
const POST_NOT_FOUND = { kind: "post_not_found" } as const;

export function drizzlePosts(db: Database): PostRepository {
  const insertOf = preparedFor((rows) =>
    db
      .insert(posts)
      .values(placeholdersOf(posts, rows))
      .prepare(`posts_insert_${rows}`),
  );
  const insertAll = async (rows: readonly Post[]) =>
    (
      await attempt(db, "posts.insert", async () => insertOf(rows.length).execute(valuesOf(rows)), AUTHOR_NOT_FOUND)
    ).map(() => undefined);
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
    insert: is(db, PgTransaction) ? async (post) => insertAll([post]) : writeTogether(insertAll),

    findById: async (id) =>
      (await findRow(id)).andThen((row) => (row === undefined ? fail(POST_NOT_FOUND) : ok(restorePost(row)))),

    list: askTogether(async (filter, page) =>
      (await attempt(db, "posts.list", async () => selectPage(filter, page))).map((rows) =>
        pageOfPosts(rows.map(restorePost), page.limit),
      ),
    ),

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

/** Posts that one index holds side by side, in the order of their ids. */
interface Range {
  readonly authorId?: UserId;
  readonly status?: PostStatus;
}

/** A filter as index ranges that do not overlap, so that a page costs the same however many posts it does not show. */
function rangesOf({ drafts, authorId }: PostFilter): readonly Range[] {
  const author = authorId === null ? {} : { authorId };
  const published: Range = { ...author, status: "published" };
  if (drafts === "none") return [published];
  if (drafts === "all") return authorId === null ? [{}] : [published, { authorId, status: "draft" }];
  return authorId === null || authorId === drafts.of ? [published, { authorId: drafts.of, status: "draft" }] : [published];
}

/** The rows of a page, by a statement that is prepared for each shape of a list. */
function pageSelection(db: Database) {
  const statements = new Map<string, ReturnType<typeof preparePage>>();
  return async (filter: PostFilter, { limit, before }: PageRequest<PostId>) => {
    const ranges = rangesOf(filter);
    const isFirst = before === null;
    const name = ["posts_page", ...ranges.map(shapeOf), isFirst ? "first" : "next"].join("_");
    const statement = statements.get(name) ?? preparePage(db, name, ranges, isFirst);
    statements.set(name, statement);
    const authors = Object.fromEntries(ranges.map(({ authorId }, index) => [`author${index}`, authorId]));
    return statement.execute({ ...authors, before, limit: limit + 1 });
  };
}

function shapeOf({ authorId, status }: Range): string {
  return `${authorId === undefined ? "all" : "author"}_${status ?? "any"}`;
}

/**
 * Gives one row more than the page has where the list goes on. Where content gets too much the database ends with the row
 * after the page, so that the rest never leaves it.
 */
function preparePage(db: Database, name: string, ranges: readonly Range[], isFirst: boolean) {
  const limit = sql.placeholder("limit");
  const [first = {}, second] = ranges;
  const inRange = ({ authorId, status }: Range, index: number) =>
    and(
      authorId === undefined ? undefined : eq(posts.authorId, sql.placeholder(`author${index}`)),
      // In the statement itself: a plan for any status could not use an index of the published ones.
      status === undefined ? undefined : eq(posts.status, status).inlineParams(),
      isFirst ? undefined : lt(posts.id, sql.placeholder("before")),
    );

  const sizes = (range: Range, index: number) =>
    db
      .select({ id: posts.id, bytes: sql<number>`octet_length(${posts.content})`.as("bytes") })
      .from(posts)
      .where(inRange(range, index))
      .orderBy(desc(posts.id))
      .limit(limit);
  const candidates = (second === undefined ? sizes(first, 0) : unionAll(sizes(first, 0), sizes(second, 1)).orderBy(desc(posts.id)).limit(limit)).as("candidates");
  const { id, bytes } = candidates;
  const bytesBefore = sql`sum(${bytes}) over (order by ${id} desc rows between unbounded preceding and 2 preceding)`;
  const measured = db
    .select({ id, bytesBefore: sql`coalesce(${bytesBefore}, 0)`.as("bytes_before") })
    .from(candidates)
    .as("measured");
  const count = db
    .select({ count: sql`count(*)` })
    .from(measured)
    .where(lt(measured.bytesBefore, PAGE_FULL_CONTENT_BYTES));

  // PostgreSQL takes a query for a limit (PostgreSQL 18, 7.6), and so does Drizzle, but for its type. As a limit it leaves
  // the choice of an index alone, which a range of ids would not.
  const untilFull = sql`(${count})` as unknown as typeof limit;
  const rows = (range: Range, index: number, atMost: typeof limit) =>
    db.select().from(posts).where(inRange(range, index)).orderBy(desc(posts.id)).limit(atMost);
  const page =
    second === undefined
      ? rows(first, 0, untilFull)
      : unionAll(rows(first, 0, limit), rows(second, 1, limit)).orderBy(desc(posts.id)).limit(untilFull);
  return page.prepare(name);
}
