import { and, eq, gt, isNotNull, lt, sql, type Placeholder, type SQL, type SQLChunk } from "drizzle-orm";
import type { PostStatus } from "../../domain/post/post.ts";
import type { PostFilter, PostSort } from "../../domain/post/post-list.ts";
import { NIL_ID, type UserId } from "../../domain/shared/id.ts";
import { posts, titleOrder } from "./schema.ts";

/** A contiguous range of posts in the index of every sort: one status, and one author or all authors (`null`). */
export interface IndexRange {
  readonly status: PostStatus;
  readonly authorId: UserId | null;
  /** Exclusive bounds of the time of publication. */
  readonly after: Date | null;
  readonly before: Date | null;
}

/** The value of a field of the range, or of the cursor (`key` and `id`), in a statement. */
export type ValueOf = (name: keyof IndexRange | "key" | "id") => Placeholder | SQL;

/** A filter as disjoint index ranges, so that the cost of a page does not depend on the posts that the filter excludes. */
export function rangesOf({ published, drafts }: PostFilter): readonly IndexRange[] {
  return [
    ...(published === null ? [] : [{ ...published, status: "published" as const }]),
    ...(drafts === null ? [] : [{ ...drafts, status: "draft" as const, after: null, before: null }]),
  ];
}

/** The condition that the posts of a range fulfil, for a scan in any order. */
export function conditionOf({ authorId, after, before }: IndexRange, value: ValueOf): SQL | undefined {
  return and(
    eq(posts.status, value("status")),
    authorId === null ? undefined : eq(posts.authorId, value("authorId")),
    after === null ? undefined : gt(posts.publishedAt, value("after")),
    before === null ? undefined : lt(posts.publishedAt, value("before")),
  );
}

/** The column of each sort key, and a value that is less than any. */
export const SORT_COLUMNS: Readonly<Record<PostSort["by"], { readonly column: SQL; readonly least: SQL }>> = {
  created: { column: sql`${posts.id}`, least: sql.raw(`'${NIL_ID}'`) },
  updated: { column: sql`${posts.updatedAt}`, least: sql`'-infinity'` },
  published: { column: sql`${posts.publishedAt}`, least: sql`'-infinity'` },
  title: { column: titleOrder(posts), least: sql`''` },
};

export interface Scan {
  readonly by: PostSort["by"];
  /** The direction of the scan, which a backward cursor reverses. */
  readonly isDescending: boolean;
  /** Whether it starts at the end of the range and not after a cursor. */
  readonly isFirst: boolean;
}

type Pair = readonly [column: SQLChunk, value: SQLChunk];

/**
 * The condition and the order of a page of a range, for keyset pagination on an index. Both contain all columns of the index,
 * also those that are equal in all rows. No other index has this order, so PostgreSQL cannot choose another index and sort its
 * rows, even if it expects only a few.
 */
export function scanOf({ authorId, after, before }: IndexRange, { by, isDescending, isFirst }: Scan, value: ValueOf) {
  const { column: key, least } = SORT_COLUMNS[by];
  const prefix: Pair[] = [[posts.status, value("status")]];
  if (authorId !== null) prefix.unshift([posts.authorId, value("authorId")]);
  const cursor = [...prefix];
  if (by !== "created") cursor.push([key, value("key")]);
  cursor.push([posts.id, value("id")]);

  // A cursor is always within the bounds of its list, so it replaces the bound on its side.
  const isAfterCursor = { low: !isFirst && !isDescending, high: !isFirst && isDescending };
  const isBounded = { low: by === "published" && after !== null, high: by === "published" && before !== null };
  const lowest = isBounded.low ? sql`${value("after")}::timestamptz + interval '1 millisecond'` : least;
  const low = isAfterCursor.low ? cursor : [...prefix, [key, lowest] as const];
  const high = isAfterCursor.high ? cursor : [...prefix, ...(isBounded.high ? [[key, value("before")] as const] : [])];
  return {
    where: and(
      // Not strict, because the planner expects no rows above the greatest value in its statistics.
      compareRows(low, sql`>=`),
      // All columns are compared, because the post of the cursor may have a new sort key.
      isAfterCursor.low ? compareRows(cursor, sql`<>`) : undefined,
      compareRows(high, high === cursor || isBounded.high ? sql`<` : sql`<=`),
      by === "published" ? isNotNull(posts.publishedAt) : undefined,
      by === "published" || after === null ? undefined : sql`${posts.publishedAt} > ${value("after")}`,
      by === "published" || before === null ? undefined : sql`${posts.publishedAt} < ${value("before")}`,
    ),
    order: cursor.map(([column]) => (isDescending ? sql`${column} desc` : sql`${column} asc`)),
  };
}

/** A row-wise comparison (PostgreSQL 18, 9.25.5). */
function compareRows(pairs: readonly Pair[], operator: SQL): SQL {
  const columns = pairs.map(([column]) => sql`${column}`);
  const values = pairs.map(([, value]) => sql`${value}`);
  return sql`(${sql.join(columns, sql`, `)}) ${operator} (${sql.join(values, sql`, `)})`;
}
