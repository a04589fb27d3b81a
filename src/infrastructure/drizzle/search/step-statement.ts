import { sql, type SQL } from "drizzle-orm";
import type { PostId } from "../../../domain/shared/id.ts";
import type { Database } from "../database.ts";
import { once } from "../prepared.ts";
import { ANY_SEGMENT, SEGMENT_SQL } from "./segments.ts";

/** One scan of the index within a step of a search. */
export interface Scan {
  /** The texts of tsqueries, one for each segment, that the index answers without the terms of a row. */
  readonly indexed: readonly string[];
  /**
   * The text of a tsquery in any segment that the terms of a row must fulfil as well; `null` if the index has answered the whole
   * condition.
   */
  readonly checked: string | null;
  /** Only rows with a lower ordinal. */
  readonly below: number;
  /** The maximum number of rows to return, the newest ones. */
  readonly rows: number;
}

/** The bounds of a step that all of its scans share. */
export interface StepRequest {
  readonly scans: readonly Scan[];
  /** The texts of the tsqueries, in any segment, that are evaluated on the terms of each row whose terms are read. */
  readonly features: readonly string[];
  readonly publishedAfter: Date | null;
  readonly publishedBefore: Date | null;
}

/** The rows that a scan found, in no order. */
export interface ScannedRows {
  /** True if the index has too many rows for one step: none is returned, and a scan of fewer blocks has to follow. */
  readonly isTooMany: boolean;
  /** The ordinal of the oldest row that was read, if older ones are left in the blocks of the scan; otherwise `null`. */
  readonly readTo: number | null;
  readonly found: readonly FoundRow[];
  /** The number of rows that the index has returned. */
  readonly matches: number;
  /** The number of them that were read, and checked if the scan checks. */
  readonly read: number;
}

export interface FoundRow {
  readonly id: PostId;
  readonly ordinal: number;
  /** For each feature whether the row has it; empty if the scan read no terms. */
  readonly features: readonly boolean[];
}

export interface Step {
  readonly scans: readonly ScannedRows[];
  /** The state of the index. */
  readonly analysis: number;
  readonly isComplete: boolean;
  readonly lastOrdinal: number;
}

/** The maximum number of rows that a scan takes from the index: a narrow row costs about a microsecond. */
export const MAX_SCANNED_ROWS = 2_000;
/** The maximum size of the terms that a scan reads, in bytes. The first row is always read. */
const MAX_READ_BYTES = 524_288;

const scanned = sql.raw(String(MAX_SCANNED_ROWS + 1));
const readBytes = sql.raw(String(MAX_READ_BYTES));

/**
 * A condition that holds for every row. The planner also charges for its later operands, which are never evaluated. So it prefers the
 * index in a small table too, where it would otherwise read the terms of every row.
 */
const isExpensive = sql.raw(
  [
    "ordinal > 0",
    ...["to_tsvector", "plainto_tsquery", "phraseto_tsquery"].flatMap((parser) =>
      ["ordinal", "version", "bytes", "analysis"].map((column) => `${parser}('simple', ${column}::text) is null`),
    ),
  ].join(" or "),
);

const segment = sql.raw(SEGMENT_SQL);
/** A condition on the terms of the rows of a segment. */
const ofSegment = (text: SQL) => sql`replace(${text}, ${sql.raw(`'${ANY_SEGMENT}'`)}, segment::text)::tsquery`;

/**
 * A step of a search as one statement: each scan takes the rows of some segments from the GIN index, without their terms. Of the
 * newest of them the terms are read if the index alone cannot decide, and for the features by which a hit is ranked. Each number is
 * bounded, so that the statement is short whatever the query and the posts.
 */
const STEP = sql`
  with scan as materialized (
    select n, checked, below, most
    from unnest(${sql.placeholder("checked")}::text[], ${sql.placeholder("below")}::bigint[], ${sql.placeholder("most")}::int[])
      with ordinality as given (checked, below, most, n)
  ),
  part as materialized (
    select n, indexed::tsquery as indexed
    from unnest(${sql.placeholder("scans")}::int[], ${sql.placeholder("indexed")}::text[]) as given (n, indexed)
  ),
  candidate as materialized (
    select scan.n, candidate.post_id, candidate.ordinal, candidate.bytes
    from scan cross join lateral (
      select post_id, ordinal, bytes from part join post_search on terms @@ part.indexed
      where part.n = scan.n and ordinal < scan.below and (${isExpensive})
        and (${sql.placeholder("after")}::timestamptz is null or published_at > ${sql.placeholder("after")}::timestamptz)
        and (${sql.placeholder("before")}::timestamptz is null or published_at < ${sql.placeholder("before")}::timestamptz)
      limit ${scanned}
    ) as candidate
  ),
  matched as materialized (
    select scan.n, checked, most, (select count(*) from candidate where candidate.n = scan.n) as matches from scan
  ),
  newest as materialized (
    select matched.n, checked, newest.post_id, newest.ordinal, newest.bytes
    from matched cross join lateral (
      select post_id, ordinal, bytes from candidate
      where candidate.n = matched.n and matched.matches < ${scanned} order by ordinal desc limit matched.most
    ) as newest
  ),
  taken as materialized (
    select n, post_id, ordinal, ${segment} as segment, checked from newest where checked is null
    union all
    select n, post_id, ordinal, ${segment} as segment, checked from (
      select *, sum(bytes) over (partition by n order by ordinal desc) - bytes as bytes_before from newest
      where checked is not null
    ) as measured
    where bytes_before < ${readBytes}
  ),
  condition as materialized (
    select n, segment, ${ofSegment(sql`checked`)} as condition
    from (select distinct n, segment, checked from taken where checked is not null) as each
  ),
  feature as materialized (
    select segment, array(
      select ${ofSegment(sql`query`)} from unnest(${sql.placeholder("features")}::text[]) with ordinality as given (query, n) order by n
    ) as features
    from (select distinct segment from condition) as each
  ),
  found as (
    select n, post_id, ordinal, '' as features from taken where checked is null
    union all
    select n, post_id, ordinal, (
      select coalesce(string_agg(case when flat.terms @@ query then '1' else '0' end, ''), '') from unnest(features) as query
    )
    from taken join condition using (n, segment) join feature using (segment) join post_search using (post_id, ordinal)
    -- Reads the stored terms once for all conditions on them. All positions have this weight already.
    cross join lateral (select setweight(post_search.terms, 'D') as terms offset 0) as flat
    where flat.terms @@ condition
  )
  select matched.n as scan, matches, read, read_to, found, state.analysis, state.is_complete, state.last_ordinal
  from search_index as state cross join matched
  left join (select n, count(*) as read, min(ordinal) as read_to from taken group by n) as reading using (n)
  left join (
    select n, string_agg(concat_ws(' ', post_id, ordinal, features), ',') as found from found group by n
  ) as finding using (n)`;

interface StepRow {
  readonly scan: number;
  readonly matches: number;
  readonly read: number | null;
  readonly readTo: number | null;
  readonly found: string | null;
  readonly analysis: number;
  readonly isComplete: boolean;
  readonly lastOrdinal: number;
}

/** Runs the steps of searches. The statement has one shape, so PostgreSQL parses and plans it once. */
export function stepStatement(db: Database): (request: StepRequest) => Promise<Step> {
  const statement = once(() =>
    db
      .select({
        scan: sql`scan`.mapWith(Number),
        matches: sql`matches`.mapWith(Number),
        read: sql`read`.mapWith(Number),
        readTo: sql`read_to`.mapWith(Number),
        found: sql<string | null>`found`,
        analysis: sql`analysis`.mapWith(Number),
        isComplete: sql<boolean>`is_complete`,
        lastOrdinal: sql`last_ordinal`.mapWith(Number),
      })
      .from(sql`(${STEP}) as step`)
      .prepare("search_step"),
  );
  return async ({ scans, features, publishedAfter, publishedBefore }) => {
    const rows: readonly StepRow[] = await statement().execute({
      scans: scans.flatMap(({ indexed }, index) => indexed.map(() => String(index + 1))),
      indexed: scans.flatMap(({ indexed }) => indexed),
      checked: scans.map(({ checked }) => checked),
      below: scans.map(({ below }) => String(below)),
      most: scans.map(({ rows: most }) => String(most)),
      features,
      after: publishedAfter?.toISOString() ?? null,
      before: publishedBefore?.toISOString() ?? null,
    });
    const [state] = rows;
    if (state === undefined) throw new Error("A step of a search returned no row.");
    const { analysis, isComplete, lastOrdinal } = state;
    const inOrder = rows.toSorted((a, b) => a.scan - b.scan);
    return { scans: inOrder.map(scannedRows), analysis, isComplete, lastOrdinal };
  };
}

function scannedRows({ matches, read, readTo, found }: StepRow): ScannedRows {
  const isTooMany = matches > MAX_SCANNED_ROWS;
  return {
    isTooMany,
    read: read ?? 0,
    readTo: !isTooMany && (read ?? 0) < matches ? readTo : null,
    found: found === null ? [] : found.split(",").map(foundRow),
    matches,
  };
}

function foundRow(text: string): FoundRow {
  const [id = "", ordinal, features = ""] = text.split(" ");
  return { id: id as PostId, ordinal: Number(ordinal), features: Array.from(features, (flag) => flag === "1") };
}
