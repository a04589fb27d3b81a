import { and, or, sql, type SQL } from "drizzle-orm";
import type { Result } from "neverthrow";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { MAX_PAGE_JSON_BYTES } from "../../domain/post/post-page.ts";
import type { PostFilter, PostPageRequest } from "../../domain/post/post-list.ts";
import type { ExcerptPart } from "../../domain/search/excerpt.ts";
import type { FoundPost } from "../../domain/search/found-post.ts";
import type { SearchQuery } from "../../domain/search/search-query.ts";
import type { Database } from "./database.ts";
import { bytesAfterFirst, toSelectedPage, type SelectedPage } from "./post-lists.ts";
import { conditionOf, rangesOf, scanOf, type IndexRange, type ValueOf } from "./post-ranges.ts";
import { POST_COLUMNS, toPost, type PostRow } from "./post-row.ts";
import { posts } from "./schema.ts";

/** The minimum trigram similarity of a word and a title, from 0 to 1. About one letter of five may differ. */
const MIN_SIMILARITY = 0.5;
/** The maximum number of ranked posts: the newest of those that contain the words. It bounds the cost of a search. */
const MAX_RANKED = 1_000;
/** The minimum rank of a post that contains the words. Posts with a similar title rank below it. */
const MIN_WORDS_RANK = 1_000_000;

/** Bounds on the rows that a search reads. A GIN index has no order, so it cannot return the newest matches first. */
interface Bounds {
  /** A condition with more matches is common: PostgreSQL would fetch all of them to find the newest. */
  readonly fetched: number;
  /** For a common condition, the number of newest posts that are scanned instead. */
  readonly walked: number;
  /** The number of newest matches that are ranked. */
  readonly kept: number;
}

const BOUNDS_OF_WORDS: Bounds = { fetched: 5_000, walked: 10_000, kept: MAX_RANKED };
/** Lower, because the comparison of a title takes ten times as long as the search for words. */
const BOUNDS_OF_TITLES: Bounds = { fetched: 1_000, walked: 2_000, kept: 100 };
/** The maximum number of characters of a content that are parsed for its excerpt, which takes a millisecond. */
const EXCERPT_FROM = 10_000;

// Markers in a headline. These characters are removed from the content before. The last one replaces `<`, which would begin
// a tag.
const MATCH_BEGINS = "\u0001";
const MATCH_ENDS = "\u0002";
const LESS_THAN = "\u0003";
const HEADLINE = `StartSel=${MATCH_BEGINS}, StopSel=${MATCH_ENDS}, MaxFragments=2, MinWords=10, MaxWords=25, FragmentDelimiter=" … "`;

// The column and the function are not in the Drizzle schema, because only a search reads them (drizzle/0004).
const words = sql.raw(`"posts"."words"`);
const titleThreshold = sql`set_config('pg_trgm.word_similarity_threshold', ${String(MIN_SIMILARITY)}, true)`;
const titleKey = (title: unknown) => sql`public.title_key(${title})`;

/** A literal, because the planner expects a tenth of all rows for a limit that is a parameter. */
const raw = (bound: number) => sql.raw(String(bound));
const newestFirst = sql`order by "posts"."id" desc limit`;

/** A minus without a word after it. PostgreSQL would negate the next word, and fails when there are 33 of them. */
const IDLE_MINUSES = /-+(?=[-\s!&|()]|$)/g;

/** The query as a tsquery. A sub-select is computed once, not for each row. `<` is removed, so that no text parses as a tag. */
const tsqueryOf = (query: SearchQuery) =>
  sql`(select websearch_to_tsquery('public.quire', ${query.text.replaceAll("<", " ").replaceAll(IDLE_MINUSES, " ")}))`;

/**
 * The ids and ranks of the posts that match a query: posts that contain the words, and posts whose title is only similar. The
 * {@link Bounds} limit the number of each kind.
 */
function ranked(ranges: readonly IndexRange[], query: SearchQuery): SQL {
  const tsquery = tsqueryOf(query);
  // The part of the query that the index can answer without the row: no negations, and phrases as words at any position.
  const indexed = sql`(select regexp_replace(querytree(${tsquery}), '<(-|\\d+)>', '&', 'g')::tsquery)`;
  const has = sql`${words} @@ ${tsquery}`;
  const byWords = candidates(ranges, BOUNDS_OF_WORDS, {
    name: "by_words",
    isEnabled: sql`true`,
    isIndexed: sql`(select querytree(${tsquery}) <> 'T')`,
    inIndex: sql`${words} @@ ${indexed}`,
    condition: has,
  });
  const alike = query.words.map((word) => sql`(select ${titleKey(sql`${word}::text`)})`);
  const similar = and(...alike.map((word) => sql`${titleKey(posts.title)} %> ${word}`)) ?? sql`false`;
  const isAlike = sql`(select ${titleThreshold}) is not null and ${similar}`;
  const byTitle = candidates(ranges, BOUNDS_OF_TITLES, {
    name: "by_title",
    // Common words have so many matches that a reader never reaches the posts with a similar title.
    isEnabled: sql`not ${byWords.isCommon}`,
    isIndexed: sql`true`,
    inIndex: isAlike,
    condition: isAlike,
  });
  const similarity = alike.map((word) => sql`word_similarity(${word}, ${titleKey(posts.title)})`);
  const rank = sql`case
    when ${has} then ${MIN_WORDS_RANK}::int + least(999999, round(1e6 * ts_rank(${words}, ${tsquery}, 1)))::int
    when ${isAlike} then round(1000 * (${sql.join([sql`0`, ...similarity], sql` + `)}) / ${Math.max(1, alike.length)})::int
    end`;
  const kinds = alike.length === 0 ? [byWords] : [byWords, byTitle];
  return sql`with ${sql.join(
    kinds.map(({ tables }) => tables),
    sql`, `,
  )},
      found as (${sql.join(
        kinds.map(({ ids }) => ids),
        sql` union `,
      )}),
      maybe as (
        select ${posts.id}, ${rank} as rank, octet_length(${posts.content}) as bytes from found join ${posts} using (id)
      )
    select * from maybe where rank is not null`;
}

interface Sought {
  /** The prefix of the names of its common table expressions. */
  readonly name: "by_words" | "by_title";
  readonly isEnabled: SQL;
  /** Whether the index can answer any part of the condition. */
  readonly isIndexed: SQL;
  /** The part of the condition that the index answers. It may match too many posts. */
  readonly inIndex: SQL;
  readonly condition: SQL;
}

/**
 * The ids of the newest posts that fulfil a condition with a GIN index, which has no order. When the index has too many
 * matches, the newest posts of each range are scanned instead.
 */
function candidates(ranges: readonly IndexRange[], { fetched, walked, kept }: Bounds, sought: Sought) {
  const { isEnabled, isIndexed, inIndex, condition } = sought;
  const table = sql.identifier(sought.name);
  const isCommon = sql`(select holds from ${sql.identifier(`${sought.name}_are_common`)})`;
  const tables = sql`${table} as materialized (
      select ${posts.id}, ${posts.authorId}, ${posts.status}, ${posts.publishedAt} from ${posts}
      where ${isEnabled} and ${isIndexed} and ${inIndex} limit ${raw(fetched + 1)}
    ), ${sql.identifier(`${sought.name}_are_common`)} as materialized (
      select ${isEnabled} and (not ${isIndexed} or (select count(*) from ${table}) > ${fetched}) as holds
    )`;
  // Selects only columns of the index, so that PostgreSQL reads the index in its order and does not sort all posts.
  const newest = ranges.map((range) => {
    const { where, order } = newestOf(range);
    return sql`select id from (
      select ${posts.id} from ${posts} where ${where} order by ${sql.join(order, sql`, `)} limit ${raw(walked)}
    ) as newest where ${isCommon}`;
  });
  const isShown = or(...ranges.map((range) => conditionOf(range, literal(range))));
  const fromIndex = sql`select id from ${table} as posts where not ${isCommon} and (${isShown})`;
  // `offset 0` keeps PostgreSQL from evaluating the condition by its index once more: it filters the rows of the array.
  const ids = sql`(select id from (
      select ${posts.id}, ${posts.title}, ${words} from ${posts}
      where ${posts.id} = any(array(${sql.join([fromIndex, ...newest], sql` union all `)})) order by ${posts.id} desc offset 0
    ) as posts where ${condition} ${newestFirst} ${raw(kept)})`;
  return { tables, isCommon, ids };
}

/** A row of a page of a search. */
interface FoundRow {
  readonly post: PostRow;
  readonly rank: number;
  readonly headline: string;
}

/** Selects a page of the posts that match a query, and their number, in one statement. */
export async function selectFound(
  db: Database,
  filter: PostFilter,
  query: SearchQuery,
  { limit, from, isCounted = false }: PostPageRequest,
): Promise<SelectedPage<FoundRow>> {
  const ranges = rangesOf(filter);
  if (ranges.length === 0) return { rows: [], total: isCounted ? 0 : null };
  const [direction, beyond] = from?.direction === "backward" ? [sql`asc`, sql`>`] : [sql`desc`, sql`<`];
  const isAfterCursor =
    from === null ? sql`true` : sql`(rank, id) ${beyond} (${Number(from.key)}::int, ${from.id}::uuid)`;
  const inOrder = sql`order by rank ${direction}, id ${direction}`;
  const page = sql`(
    select id as page_id, rank, ${bytesAfterFirst(inOrder, sql`bytes`)} as bytes_before
    from (select * from ranked where ${isAfterCursor} ${inOrder} limit ${limit + 1}) as page
  ) as page`;
  const total = isCounted ? sql<number>`(select count(*) from ranked)` : sql<null>`null::int`;
  const selected = await db
    .with(db.$with("ranked", {}).as(ranked(ranges, query)))
    .select({
      post: POST_COLUMNS,
      rank: sql<number>`rank`.mapWith(Number),
      headline: sql<string>`ts_headline('public.quire',
        translate(left(${posts.content}, ${EXCERPT_FROM}), ${`<${MATCH_BEGINS}${MATCH_ENDS}${LESS_THAN}`}, ${LESS_THAN}), ${tsqueryOf(query)}, ${HEADLINE})`,
      total: total.mapWith(Number),
    })
    .from(sql`(values (1)) as one`)
    .leftJoin(page, sql`bytes_before <= ${MAX_PAGE_JSON_BYTES}`)
    .leftJoin(posts, sql`${posts.id} = page_id`)
    .orderBy(sql`rank ${direction}, ${posts.id} ${direction}`)
    .execute();
  return toSelectedPage(selected);
}

export function toFoundPost({ post, rank, headline }: FoundRow): Result<FoundPost, StorageFailure> {
  return toPost(post, "posts.search").map((restored) => ({ ...restored, rank, excerpt: excerptOf(headline) }));
}

const literal: (range: IndexRange) => ValueOf = (range) => (name) => {
  const given = name === "key" || name === "id" ? null : range[name];
  return sql`${given instanceof Date ? sql.param(given, posts.publishedAt) : sql.param(given)}`;
};

/** A scan of a range, newest posts first. With bounds on the time of publication, the most recently published come first. */
function newestOf(range: IndexRange) {
  const by = range.after === null && range.before === null ? "created" : "published";
  return scanOf(range, { by, isDescending: true, isFirst: true }, literal(range));
}

function excerptOf(headline: string): ExcerptPart[] {
  const [before = "", ...rest] = headline.replaceAll(LESS_THAN, "<").split(MATCH_BEGINS);
  const parts = rest.flatMap((part) => {
    const [match = "", after = ""] = part.split(MATCH_ENDS);
    return [
      { text: match, isMatch: true },
      { text: after, isMatch: false },
    ];
  });
  return [{ text: before, isMatch: false }, ...parts].filter(({ text }) => text !== "");
}
