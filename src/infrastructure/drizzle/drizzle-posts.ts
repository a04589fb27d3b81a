import { and, eq, gt, is, lt, sql, type SQL } from "drizzle-orm";
import { PgTransaction, unionAll } from "drizzle-orm/pg-core";
import { ok } from "neverthrow";
import { fail } from "../../domain/fail.ts";
import type { PostId, UserId } from "../../domain/id.ts";
import type { PageRequest } from "../../domain/page.ts";
import { restorePost, type Post, type PostStatus } from "../../domain/post.ts";
import { PAGE_FULL_CONTENT_BYTES, pageOfPosts, type PostFilter, type PostRepository, type PostSort } from "../../domain/post-repository.ts";
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

    list: askTogether(async (filter, sort, page) =>
      (await attempt(db, "posts.list", async () => selectPage(filter, sort, page))).map((rows) =>
        pageOfPosts(rows.map(restorePost), page, sort),
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

/** Posts that one index holds side by side, in the order of each of its sorts. */
interface Range {
  readonly status: PostStatus;
  readonly authorId: UserId | null;
  readonly after: Date | null;
  readonly before: Date | null;
}

/** A filter as index ranges that do not overlap, so that a page costs the same however many posts it does not show. */
function rangesOf({ published, drafts }: PostFilter): readonly Range[] {
  return [
    ...(published === null ? [] : [{ ...published, status: "published" as const }]),
    ...(drafts === null ? [] : [{ ...drafts, status: "draft" as const, after: null, before: null }]),
  ];
}

/** What a sort is by. A title is compared by code points, wherever the database is. */
const SORT_KEYS: Readonly<Record<PostSort["by"], SQL>> = {
  created: sql`${posts.id}`,
  updated: sql`${posts.updatedAt}`,
  published: sql`${posts.publishedAt}`,
  title: sql`${posts.title} collate "C"`,
};

/** The rows of a page, in the direction of its going, by a statement that is prepared for each shape of a list. */
function pageSelection(db: Database) {
  const statements = new Map<string, ReturnType<typeof preparePage>>();
  return async (filter: PostFilter, sort: PostSort, { limit, from }: PageRequest<PostId>) => {
    const ranges = rangesOf(filter);
    if (ranges.length === 0) return [];
    const isBackward = from?.direction === "backward";
    const shape = { ranges, by: sort.by, descending: sort.descending !== isBackward, isFirst: from === null };
    const name = nameOf(shape);
    const statement = statements.get(name) ?? preparePage(db, name, shape);
    statements.set(name, statement);
    const bounds = ranges.flatMap(({ authorId, after, before }, index) => [
      [`author${index}`, authorId],
      [`after${index}`, after],
      [`before${index}`, before],
    ]);
    return statement.execute({ ...Object.fromEntries(bounds), key: from?.key, id: from?.id, limit: limit + 1 });
  };
}

interface PageShape {
  readonly ranges: readonly Range[];
  readonly by: PostSort["by"];
  /** Of the direction in which is read. */
  readonly descending: boolean;
  readonly isFirst: boolean;
}

function nameOf({ ranges, by, descending, isFirst }: PageShape): string {
  const names = ranges.map(({ status, authorId, after, before }) =>
    [status, authorId && "author", after && "after", before && "before"].filter((part) => part !== null).join("_"),
  );
  return ["posts", ...names, by, descending ? "down" : "up", isFirst ? "first" : "next"].join("_");
}

/**
 * Gives one row more than the page has where the list goes on. Where content gets too much the database ends with the row
 * after the page, so that the rest never leaves it.
 */
function preparePage(db: Database, name: string, { ranges, by, descending, isFirst }: PageShape) {
  const limit = sql.placeholder("limit");
  const [key, towards, isPast] = [SORT_KEYS[by], sql.raw(descending ? "desc" : "asc"), sql.raw(descending ? "<" : ">")];
  const past = by === "created" ? sql`${posts.id} ${isPast} ${sql.placeholder("id")}` : sql`(${key}, ${posts.id}) ${isPast} (${sql.placeholder("key")}, ${sql.placeholder("id")})`;
  // A place in the list is within the bounds of it, and PostgreSQL would begin at the bound.
  const isBegun = (bound: "after" | "before") => by === "published" && !isFirst && descending === (bound === "before");
  const inRange = ({ status, authorId, after, before }: Range, index: number) =>
    and(
      authorId === null ? undefined : eq(posts.authorId, sql.placeholder(`author${index}`)),
      // In the statement itself: a plan for any status could not use an index of the published ones.
      eq(posts.status, status).inlineParams(),
      after === null || isBegun("after") ? undefined : gt(posts.publishedAt, sql.placeholder(`after${index}`)),
      before === null || isBegun("before") ? undefined : lt(posts.publishedAt, sql.placeholder(`before${index}`)),
      isFirst ? undefined : past,
    );

  const sizes = (range: Range, index: number) =>
    db
      .select({ id: posts.id, key: sql`${key}`.as("key"), bytes: sql<number>`octet_length(${posts.content})`.as("bytes") })
      .from(posts)
      .where(inRange(range, index))
      .orderBy(sql`${key} ${towards}, ${posts.id} ${towards}`)
      .limit(limit);
  const [first, second] = ranges.map(sizes) as [ReturnType<typeof sizes>, ReturnType<typeof sizes>?];
  const merged = second === undefined ? first : unionAll(first, second).orderBy(sql`key ${towards}, id ${towards}`).limit(limit);
  const candidates = merged.as("candidates");
  const bytesBefore = sql`sum(${candidates.bytes}) over (order by ${candidates.key} ${towards}, ${candidates.id} ${towards} rows between unbounded preceding and 2 preceding)`;
  const measured = db
    .select({ id: candidates.id, bytesBefore: sql`coalesce(${bytesBefore}, 0)`.as("bytes_before") })
    .from(candidates)
    .as("measured");
  const ids = db.select({ id: measured.id }).from(measured).where(lt(measured.bytesBefore, PAGE_FULL_CONTENT_BYTES));
  return db
    .select()
    .from(posts)
    .where(sql`${posts.id} = any(array(${ids}))`)
    .orderBy(sql`${key} ${towards}, ${posts.id} ${towards}`)
    .prepare(name);
}
