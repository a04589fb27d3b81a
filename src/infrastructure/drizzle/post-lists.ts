import { and, eq, gt, isNotNull, lt, lte, sql, type SQL, type SQLChunk } from "drizzle-orm";
import { unionAll } from "drizzle-orm/pg-core";
import type { PostId, UserId } from "../../domain/shared/id.ts";
import type { PageRequest } from "../../domain/shared/page.ts";
import type { PostStatus } from "../../domain/post/post.ts";
import { MAX_PAGE_JSON_BYTES, type PostFilter, type PostSort } from "../../domain/post/post-repository.ts";
import type { Database } from "./database.ts";
import { POST_COLUMNS, type PostRow } from "./post-row.ts";
import { posts, titleOrder } from "./schema.ts";

/** Posts that an index of each sort holds side by side, in its order. */
export interface Range {
  readonly status: PostStatus;
  readonly authorId: UserId | null;
  readonly after: Date | null;
  readonly before: Date | null;
}

/** A filter as index ranges that do not overlap, so that a page costs the same however many posts it does not show. */
export function rangesOf({ published, drafts }: PostFilter): readonly Range[] {
  return [
    ...(published === null ? [] : [{ ...published, status: "published" as const }]),
    ...(drafts === null ? [] : [{ ...drafts, status: "draft" as const, after: null, before: null }]),
  ];
}

/** What the posts of a range have, in whichever order they are read. */
export function conditionOf({ status, authorId, after, before }: Range): SQL | undefined {
  return and(
    eq(posts.status, status),
    authorId === null ? undefined : eq(posts.authorId, authorId),
    after === null ? undefined : gt(posts.publishedAt, after),
    before === null ? undefined : lt(posts.publishedAt, before),
  );
}

/** Counts the posts of each range of a filter, by what an index holds alone. */
export async function selectCounts(db: Database, filter: PostFilter) {
  const [first, second] = rangesOf(filter).map((range) =>
    db
      .select({ count: sql<number>`count(*)`.mapWith(Number) })
      .from(posts)
      .where(conditionOf(range)),
  );
  if (first === undefined) return [];
  return second === undefined ? first : unionAll(first, second);
}

/** What a list is sorted by before the id, and what is less than any. */
const SORT_KEYS: Readonly<Record<PostSort["by"], { readonly column: SQL; readonly least: SQL }>> = {
  created: { column: sql`${posts.id}`, least: sql`'00000000-0000-0000-0000-000000000000'` },
  updated: { column: sql`${posts.updatedAt}`, least: sql`'-infinity'` },
  published: { column: sql`${posts.publishedAt}`, least: sql`'-infinity'` },
  title: { column: titleOrder(posts), least: sql`''` },
};

/** A row of a page, with the text that has given a title its place where the list is sorted by titles. */
interface PlacedPost {
  readonly post: PostRow;
  readonly titleKey: string | null;
}

/** Of pages that have no more than 127 posts there is one statement, whatever their limits. */
const USUAL_MOST = 128;

/** Selects the rows of a page, in the direction of its going, by a statement that is prepared for each shape of a list. */
export function pageSelection(db: Database) {
  const statements = new Map<string, ReturnType<typeof preparePage>>();
  return async (filter: PostFilter, sort: PostSort, { limit, from }: PageRequest<PostId>): Promise<PlacedPost[]> => {
    const ranges = rangesOf(filter);
    if (ranges.length === 0) return [];
    const isDescending = sort.descending !== (from?.direction === "backward");
    const shape: PageShape = {
      ranges,
      by: sort.by,
      isDescending,
      isFirst: from === null,
      most: Math.max(USUAL_MOST, 2 ** Math.ceil(Math.log2(limit + 1))),
    };
    const name = nameOf(shape);
    const statement = statements.get(name) ?? preparePage(db, name, shape);
    statements.set(name, statement);
    const values = ranges.flatMap((range, index) =>
      Object.entries(range).map(([value, of]) => [`${value}${index}`, of as unknown]),
    );
    return statement.execute({ ...Object.fromEntries(values), key: from?.key, id: from?.id, limit: limit + 1 });
  };
}

interface PageShape {
  readonly ranges: readonly Range[];
  readonly by: PostSort["by"];
  /** Of the direction in which is read. */
  readonly isDescending: boolean;
  readonly isFirst: boolean;
  /** No less than the limit, so that PostgreSQL knows what it may be: of one that it does not know, it expects a tenth of all. */
  readonly most: number;
}

function nameOf({ ranges, by, isDescending, isFirst, most }: PageShape): string {
  const names = ranges.map(({ authorId, after, before }) =>
    [authorId && "author", after && "after", before && "before"].filter((part) => part !== null),
  );
  return JSON.stringify([names, by, isDescending, isFirst, most]);
}

type Pair = readonly [column: SQLChunk, value: SQLChunk];

/**
 * The part of an index that a page is read from, and its order. Both are said of all columns of the index, as if none of
 * them were equal in all rows: so no other index has this order, and PostgreSQL does not take another and sort what it
 * finds there, however few rows it thinks there are.
 */
export function partOfIndex(
  { authorId, after, before }: Range,
  { by, isDescending, isFirst }: Pick<PageShape, "by" | "isDescending" | "isFirst">,
  value: (name: keyof Range | "key" | "id") => SQLChunk,
) {
  const { column: key, least } = SORT_KEYS[by];
  const fixed: Pair[] = [[posts.status, value("status")]];
  if (authorId !== null) fixed.unshift([posts.authorId, value("authorId")]);
  const place = [...fixed];
  if (by !== "created") place.push([key, value("key")]);
  place.push([posts.id, value("id")]);

  // A place is within the bounds of its list, so it stands for the one that it is beyond.
  const isBegun = { low: !isFirst && !isDescending, high: !isFirst && isDescending };
  const isBounded = { low: by === "published" && after !== null, high: by === "published" && before !== null };
  const from = isBounded.low ? sql`${value("after")}::timestamptz + interval '1 millisecond'` : least;
  const low = isBegun.low ? place : [...fixed, [key, from] as const];
  const high = isBegun.high ? place : [...fixed, ...(isBounded.high ? [[key, value("before")] as const] : [])];
  return {
    where: and(
      // Of what is greater than the greatest that a column has, PostgreSQL would expect no row.
      compare(low, sql`>=`),
      // Not by its id alone: what was at the place may have moved on.
      isBegun.low ? compare(place, sql`<>`) : undefined,
      compare(high, high === place || isBounded.high ? sql`<` : sql`<=`),
      by === "published" ? isNotNull(posts.publishedAt) : undefined,
      by === "published" || after === null ? undefined : sql`${posts.publishedAt} > ${value("after")}`,
      by === "published" || before === null ? undefined : sql`${posts.publishedAt} < ${value("before")}`,
    ),
    order: place.map(([column]) => (isDescending ? sql`${column} desc` : sql`${column} asc`)),
  };
}

/** Compares rows (PostgreSQL 18, 9.25.5). */
function compare(pairs: readonly Pair[], operator: SQL): SQL {
  const [columns, values] = [0, 1].map((side) =>
    sql.join(
      pairs.map((pair) => pair[side]),
      sql`, `,
    ),
  );
  return sql`(${columns}) ${operator} (${values})`;
}

/**
 * The bytes of content before a row, but for those of the first row. No JSON is shorter than its content, so where this
 * is more than a page may have, the row is not on it, and all that is before it is read. The length of text is known
 * without the text itself, which may be stored elsewhere and compressed (PostgreSQL 18, 66.2).
 */
export function bytesBeyondFirst(inOrder: SQL, bytes: SQLChunk): SQL {
  return sql`coalesce(
    sum(${bytes}) over (${inOrder} rows between unbounded preceding and 1 preceding)
    - first_value(${bytes}) over (${inOrder}), 0)`;
}

/**
 * Gives one row more than the page has where the list goes on. Where content gets too much the database ends with the row
 * that the page cannot hold, so that the rest never leaves it.
 */
function preparePage(db: Database, name: string, shape: PageShape) {
  const limit = sql.placeholder("limit");
  const { column: key } = SORT_KEYS[shape.by];
  const towards = sql.raw(shape.isDescending ? "desc" : "asc");
  const sizes = (range: Range, index: number) => {
    const value = (name: keyof Range | "key" | "id") =>
      sql.placeholder(name === "key" || name === "id" ? name : `${name}${index}`);
    const { where, order } = partOfIndex(range, shape, value);
    const found = db
      .select({ id: posts.id, key: sql`${key}`.as("key"), bytes: sql`octet_length(${posts.content})`.as("bytes") })
      .from(posts)
      .where(where)
      .orderBy(...order)
      .limit(shape.most)
      .as("found");
    return db.select().from(found).limit(limit);
  };
  const [first, second] = shape.ranges.map(sizes) as [ReturnType<typeof sizes>, ReturnType<typeof sizes>?];
  const merged =
    second === undefined
      ? first
      : unionAll(first, second)
          .orderBy(sql`key ${towards}, id ${towards}`)
          .limit(limit);
  const candidates = merged.as("candidates");
  const inOrder = sql`order by ${candidates.key} ${towards}, ${candidates.id} ${towards}`;
  const measured = db
    .select({ id: candidates.id, bytesBefore: bytesBeyondFirst(inOrder, candidates.bytes).as("bytes_before") })
    .from(candidates)
    .as("measured");
  const ids = db.select({ id: measured.id }).from(measured).where(lte(measured.bytesBefore, MAX_PAGE_JSON_BYTES));
  const titleKey = shape.by === "title" ? sql<string>`${key}` : sql<null>`null::text`;
  return db
    .select({ post: POST_COLUMNS, titleKey })
    .from(posts)
    .where(sql`${posts.id} = any(array(${ids}))`)
    .orderBy(sql`${key} ${towards}, ${posts.id} ${towards}`)
    .prepare(name);
}
