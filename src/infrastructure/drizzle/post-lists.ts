import { lte, sql, type SQL, type SQLChunk } from "drizzle-orm";
import { unionAll } from "drizzle-orm/pg-core";
import type { PostFilter, PostPageRequest, PostSort } from "../../domain/post/post-list.ts";
import { MAX_PAGE_JSON_BYTES } from "../../domain/post/post-page.ts";
import { MAX_PAGE_LIMIT } from "../../domain/shared/page.ts";
import type { Database } from "./database.ts";
import {
  conditionOf,
  rangesOf,
  scanOf,
  SORT_COLUMNS,
  type IndexRange,
  type Scan,
  type ValueOf,
} from "./post-ranges.ts";
import { POST_COLUMNS, type PostRow } from "./post-row.ts";
import { posts } from "./schema.ts";

/** A row of a page. `titleKey` is the sort key of its title in a list that is sorted by titles. */
export interface ListedRow {
  readonly post: PostRow;
  readonly titleKey: string | null;
}

export interface SelectedPage<Row> {
  /** The rows after the cursor, in its direction: one more than the limit if the list continues. */
  readonly rows: readonly Row[];
  /** The number of posts in the whole list, from the same snapshot; `null` when it was not requested. */
  readonly total: number | null;
}

/** Selects a page of a list. There is one prepared statement for each shape of a list. */
export function pageSelection(db: Database) {
  const statements = new Map<string, ReturnType<typeof preparePage>>();
  return async (
    filter: PostFilter,
    sort: PostSort,
    { limit, from, isCounted = false }: PostPageRequest,
  ): Promise<SelectedPage<ListedRow>> => {
    if (limit > MAX_PAGE_LIMIT) throw new Error(`A page has at most ${MAX_PAGE_LIMIT} posts, not ${limit}.`);
    const ranges = rangesOf(filter);
    if (ranges.length === 0) return { rows: [], total: isCounted ? 0 : null };
    const isDescending = sort.descending !== (from?.direction === "backward");
    const shape: PageShape = { ranges, by: sort.by, isDescending, isFirst: from === null, isCounted };
    const name = nameOf(shape);
    const statement = statements.get(name) ?? preparePage(db, name, shape);
    statements.set(name, statement);
    const values = ranges.flatMap((range, index) =>
      Object.entries(range).map(([column, value]) => [`${column}${index}`, value as unknown]),
    );
    const cursor = { key: from?.key, id: from?.id, limit: limit + 1 };
    const selected: readonly Nullable<ListedRow>[] = await statement.execute({
      ...Object.fromEntries(values),
      ...cursor,
    });
    return toSelectedPage(selected);
  };
}

/** A row of a statement that returns one row without a post when there is a count and the page is empty. */
type Nullable<Row extends { readonly post: PostRow }> = Omit<Row, "post"> & {
  readonly post: PostRow | null;
  readonly total: number | null;
};

function toSelectedPage<Row extends { readonly post: PostRow }>(selected: readonly Nullable<Row>[]): SelectedPage<Row> {
  const rows = selected.filter((row): row is Nullable<Row> & Row => row.post !== null);
  return { rows, total: selected[0]?.total ?? null };
}

interface PageShape extends Scan {
  readonly ranges: readonly IndexRange[];
  readonly isCounted: boolean;
}

function nameOf({ ranges, by, isDescending, isFirst, isCounted }: PageShape): string {
  const names = ranges.map(({ authorId, after, before }) =>
    [authorId && "author", after && "after", before && "before"].filter((part) => part !== null),
  );
  return JSON.stringify([names, by, isDescending, isFirst, isCounted]);
}

/**
 * The bytes of content before a row, without those of the first row. The JSON of a post is no shorter than its content, so a
 * row for which this exceeds the bound of a page is not on the page. PostgreSQL has the length of a text without reading
 * it, even where it is stored outside the row and compressed (PostgreSQL 18, 66.2).
 */
export function bytesAfterFirst(inOrder: SQL, bytes: SQLChunk): SQL {
  return sql`coalesce(
    sum(${bytes}) over (${inOrder} rows between unbounded preceding and 1 preceding)
    - first_value(${bytes}) over (${inOrder}), 0)`;
}

/**
 * Prepares the statement of a page. The database ends the page with the first row that exceeds the bound on its content, so
 * that larger pages never leave it. A count is part of the statement, as both then read one snapshot.
 */
function preparePage(db: Database, name: string, shape: PageShape) {
  const { column: key } = SORT_COLUMNS[shape.by];
  const direction = sql.raw(shape.isDescending ? "desc" : "asc");
  const condition = sql`${posts.id} = any(array(${selectIds(db, shape)}))`;
  const order = sql`${key} ${direction}, ${posts.id} ${direction}`;
  const columns = { post: POST_COLUMNS, titleKey: shape.by === "title" ? sql<string>`${key}` : sql<null>`null::text` };
  if (!shape.isCounted) {
    return db
      .select({ ...columns, total: sql<null>`null::int` })
      .from(posts)
      .where(condition)
      .orderBy(order)
      .prepare(name);
  }
  return db
    .select({ ...columns, total: countOf(shape.ranges).mapWith(Number) })
    .from(sql`(values (1)) as one`)
    .leftJoin(posts, condition)
    .orderBy(order)
    .prepare(name);
}

/** The ids of a page: those of each range, merged, up to the bound on their content. */
function selectIds(db: Database, shape: PageShape) {
  const limit = sql.placeholder("limit");
  const { column: key } = SORT_COLUMNS[shape.by];
  const direction = sql.raw(shape.isDescending ? "desc" : "asc");
  const scanned = (range: IndexRange, index: number) => {
    const { where, order } = scanOf(range, shape, placeholders(index));
    const found = db
      .select({ id: posts.id, key: sql`${key}`.as("key"), bytes: sql`octet_length(${posts.content})`.as("bytes") })
      .from(posts)
      .where(where)
      .orderBy(...order)
      // A literal, because the planner expects a tenth of all rows for a limit that is a parameter.
      .limit(MAX_PAGE_LIMIT + 1)
      .as("found");
    return db.select().from(found).limit(limit);
  };
  const [first, second] = shape.ranges.map(scanned);
  if (first === undefined) throw new Error("A page is read from one range at least.");
  const merged =
    second === undefined
      ? first
      : unionAll(first, second)
          .orderBy(sql`key ${direction}, id ${direction}`)
          .limit(limit);
  const candidates = merged.as("candidates");
  const inOrder = sql`order by ${candidates.key} ${direction}, ${candidates.id} ${direction}`;
  const measured = db
    .select({ id: candidates.id, bytesBefore: bytesAfterFirst(inOrder, candidates.bytes).as("bytes_before") })
    .from(candidates)
    .as("measured");
  return db.select({ id: measured.id }).from(measured).where(lte(measured.bytesBefore, MAX_PAGE_JSON_BYTES));
}

/** Counts the posts of the ranges by index-only scans. */
function countOf(ranges: readonly IndexRange[]): SQL<number> {
  const counts = ranges.map(
    (range, index) => sql`(select count(*) from ${posts} where ${conditionOf(range, placeholders(index))})`,
  );
  return sql`${sql.join(counts, sql` + `)}`;
}

/** Placeholders of the range with this index; the cursor belongs to all ranges. */
function placeholders(index: number): ValueOf {
  return (name) => sql.placeholder(name === "key" || name === "id" ? name : `${name}${index}`);
}
