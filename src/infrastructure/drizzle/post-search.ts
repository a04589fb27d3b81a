import { and, or, sql, type SQL } from "drizzle-orm";
import type { Result } from "neverthrow";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { MAX_PAGE_JSON_BYTES } from "../../domain/post/post-page.ts";
import type { PostFilter, PostPageRequest } from "../../domain/post/post-list.ts";
import { similarWords, type ExcerptPart, type FoundPost, type SearchQuery } from "../../domain/post/post-search.ts";
import type { Database } from "./database.ts";
import { bytesAfterFirst, toSelectedPage, type SelectedPage } from "./post-lists.ts";
import { conditionOf, rangesOf, scanOf, type IndexRange, type ValueOf } from "./post-ranges.ts";
import { POST_COLUMNS, toPost, type PostRow } from "./post-row.ts";
import { posts } from "./schema.ts";

/** How similar to a word a title must be, by their trigrams, from 0 to 1: one letter of five may differ. */
const MIN_SIMILARITY = 0.5;
/** So many posts are ranked at most, the newest of those that contain the words: this bounds the cost of a search. */
const MAX_RANKED = 1_000;
/** Posts that contain the words rank from here on, before all whose title is merely similar. */
const MIN_WORDS_RANK = 1_000_000;

/** How a search bounds the rows that it reads by an index that has no order. */
interface Bounds {
  /** What more posts have is common: PostgreSQL would fetch all of them to find the newest. */
  readonly fetched: number;
  /** Where it is common, so many of the newest posts are looked through for it. */
  readonly walked: number;
  /** So many of the newest that were found are ranked. */
  readonly kept: number;
}

const BOUNDS_OF_WORDS: Bounds = { fetched: 5_000, walked: 10_000, kept: MAX_RANKED };
/** To compare a title takes ten times as long as to look for words. */
const BOUNDS_OF_TITLES: Bounds = { fetched: 1_000, walked: 2_000, kept: 100 };
/** Of a post's content so many characters are parsed for its excerpt, which takes a millisecond. */
const EXCERPT_FROM = 10_000;

// What no excerpt can have of its content: it is taken out of that before. The last stands for what would begin a tag.
const MATCH_BEGINS = "\u0001";
const MATCH_ENDS = "\u0002";
const LESS_THAN = "\u0003";
const HEADLINE = `StartSel=${MATCH_BEGINS}, StopSel=${MATCH_ENDS}, MaxFragments=2, MinWords=10, MaxWords=25, FragmentDelimiter=" … "`;

// The column and the function are the database's own (drizzle/0004): nothing writes them, and only a search reads them.
const words = sql.raw(`"posts"."words"`);
const titleThreshold = sql`set_config('pg_trgm.word_similarity_threshold', ${String(MIN_SIMILARITY)}, true)`;
const titleKey = (title: unknown) => sql`public.title_key(${title})`;

/** Of a bound that it does not know PostgreSQL expects that it lets a tenth of all through. */
const raw = (bound: number) => sql.raw(String(bound));
const newestFirst = sql`order by "posts"."id" desc limit`;

/** A minus that stands before nothing that could be excluded: PostgreSQL negates what comes later, and fails at 33 of them. */
const IDLE_MINUSES = /-+(?=[-\s!&|()]|$)/g;

/** As a sub-select it is computed once, and not for each row. What is in angle brackets is no tag: see drizzle/. */
const askedFor = (query: SearchQuery) =>
  sql`(select websearch_to_tsquery('public.quire', ${query.replaceAll("<", " ").replaceAll(IDLE_MINUSES, " ")}))`;

/**
 * The posts that answer a query, by their ids, with their ranks: those that have the words, and those whose titles are
 * merely similar, so many of each as {@link Bounds} let through.
 */
function ranked(ranges: readonly IndexRange[], query: SearchQuery): SQL {
  const asked = askedFor(query);
  // Without what must not be there, and with words in a row as words anywhere: what the index tells without the row.
  const indexed = sql`(select regexp_replace(querytree(${asked}), '<(-|\\d+)>', '&', 'g')::tsquery)`;
  const has = sql`${words} @@ ${asked}`;
  const byWords = candidates(ranges, BOUNDS_OF_WORDS, {
    name: "by_words",
    isSought: sql`true`,
    isIndexed: sql`(select querytree(${asked}) <> 'T')`,
    inIndex: sql`${words} @@ ${indexed}`,
    condition: has,
  });
  const alike = similarWords(query).map((word) => sql`(select ${titleKey(sql`${word}::text`)})`);
  const similar = and(...alike.map((word) => sql`${titleKey(posts.title)} %> ${word}`)) ?? sql`false`;
  const isAlike = sql`(select ${titleThreshold}) is not null and ${similar}`;
  const byTitle = candidates(ranges, BOUNDS_OF_TITLES, {
    name: "by_title",
    // Of common words there are so many posts that nobody comes to those that are merely similar.
    isSought: sql`not ${byWords.isCommon}`,
    isIndexed: sql`true`,
    inIndex: isAlike,
    condition: isAlike,
  });
  const similarity = alike.map((word) => sql`word_similarity(${word}, ${titleKey(posts.title)})`);
  const rank = sql`case
    when ${has} then ${MIN_WORDS_RANK}::int + least(999999, round(1e6 * ts_rank(${words}, ${asked}, 1)))::int
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
  /** Of the tables that are made on the way. */
  readonly name: "by_words" | "by_title";
  readonly isSought: SQL;
  /** Whether the index can tell anything at all. */
  readonly isIndexed: SQL;
  /** What the index tells, which may be too much. */
  readonly inIndex: SQL;
  readonly condition: SQL;
}

/**
 * The ids of the newest posts that are sought by an index that has no order: of those that it tells, or where it tells too
 * many, of the newest of each range.
 */
function candidates(ranges: readonly IndexRange[], { fetched, walked, kept }: Bounds, sought: Sought) {
  const { isSought, isIndexed, inIndex, condition } = sought;
  const table = sql.identifier(sought.name);
  const isCommon = sql`(select holds from ${sql.identifier(`${sought.name}_are_common`)})`;
  const tables = sql`${table} as materialized (
      select ${posts.id}, ${posts.authorId}, ${posts.status}, ${posts.publishedAt} from ${posts}
      where ${isSought} and ${isIndexed} and ${inIndex} limit ${raw(fetched + 1)}
    ), ${sql.identifier(`${sought.name}_are_common`)} as materialized (
      select ${isSought} and (not ${isIndexed} or (select count(*) from ${table}) > ${fetched}) as holds
    )`;
  // What an index holds alone PostgreSQL reads in its order, and does not sort all that there is instead.
  const newest = ranges.map((range) => {
    const { where, order } = newestOf(range);
    return sql`select id from (
      select ${posts.id} from ${posts} where ${where} order by ${sql.join(order, sql`, `)} limit ${raw(walked)}
    ) as newest where ${isCommon}`;
  });
  const isShown = or(...ranges.map((range) => conditionOf(range, literal(range))));
  const told = sql`select id from ${table} as posts where not ${isCommon} and (${isShown})`;
  // With an offset it is an array that is looked through, and the condition is not looked up in its index again.
  const ids = sql`(select id from (
      select ${posts.id}, ${posts.title}, ${words} from ${posts}
      where ${posts.id} = any(array(${sql.join([told, ...newest], sql` union all `)})) order by ${posts.id} desc offset 0
    ) as posts where ${condition} ${newestFirst} ${raw(kept)})`;
  return { tables, isCommon, ids };
}

/** A row of a page of a search. */
interface FoundRow {
  readonly post: PostRow;
  readonly rank: number;
  readonly headline: string;
}

/** Selects a page of the posts that answer a query, and their number, in one statement. */
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
        translate(left(${posts.content}, ${EXCERPT_FROM}), ${`<${MATCH_BEGINS}${MATCH_ENDS}${LESS_THAN}`}, ${LESS_THAN}), ${askedFor(query)}, ${HEADLINE})`,
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

/** The newest posts of a range, as an index has them: the last published ones where times of publication bound it. */
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
