import { and, eq, getTableColumns, gt, lt, or, sql, type SQL } from "drizzle-orm";
import type { PostId } from "../../domain/id.ts";
import type { PageRequest } from "../../domain/page.ts";
import { restorePost } from "../../domain/post.ts";
import { PAGE_FULL_CONTENT_BYTES, type PostFilter } from "../../domain/post-repository.ts";
import {
  LEAST_RANK_OF_WORDS,
  LEAST_SIMILARITY,
  MOST_RANKED,
  similarWords,
  type ExcerptPart,
  type FoundPost,
  type SearchQuery,
} from "../../domain/post-search.ts";
import type { Database } from "./database.ts";
import { partOfIndex, rangesOf, type Range } from "./post-lists.ts";
import { posts } from "./schema.ts";

/** Words that more posts have are common: PostgreSQL would fetch all of them to find the newest. */
const MOST_FETCHED = 10_000;
/** Where words are common, so many of the newest posts are looked through for them. */
const MOST_WALKED = 20_000;
/** So many titles that are merely similar are ranked at most. */
const MOST_ALIKE = 100;
/** Of a post's content so many characters are parsed for its excerpt, which takes a millisecond. */
const EXCERPT_FROM = 10_000;

// What no excerpt can have of its content: it is taken out of that before.
const MATCH_BEGINS = "\u0001";
const MATCH_ENDS = "\u0002";
const HEADLINE = `StartSel=${MATCH_BEGINS}, StopSel=${MATCH_ENDS}, MaxFragments=2, MinWords=10, MaxWords=25, FragmentDelimiter=" … "`;

// The column and the function are the database's own (drizzle/0003): nothing writes them, and only a search reads them.
const words = sql.raw(`"posts"."words"`);
const titleThreshold = sql`set_config('pg_trgm.word_similarity_threshold', ${String(LEAST_SIMILARITY)}, true)`;
const titleKey = (title: unknown) => sql`public.title_key(${title})`;

const shown = sql`"posts"."id", "posts"."author_id", "posts"."status", "posts"."published_at"`;
const newestFirst = sql`order by "posts"."id" desc limit`;

/** As a sub-select it is computed once, and not for each row. */
const askedFor = (query: SearchQuery) => sql`(select websearch_to_tsquery('public.quire', ${query}))`;

/**
 * The posts that answer a query, by their ids, with their ranks. Words are looked up in their index. Where they are common,
 * posts are looked through from the newest on instead, so that no query makes PostgreSQL fetch more than
 * {@link MOST_FETCHED} or {@link MOST_WALKED} rows of a kind.
 */
function ranked(ranges: readonly Range[], query: SearchQuery): SQL {
  const asked = askedFor(query);
  // Without what must not be there, and with words in a row as words anywhere: what the index tells without the row.
  const indexed = sql`(select regexp_replace(querytree(${asked}), '<(-|\\d+)>', '&', 'g')::tsquery)`;
  const isShown = or(...ranges.map(conditionOf));
  const walks = ranges.map((range) => {
    const { where, order } = newestOf(range);
    return sql`(select id from (
      select ${shown}, ${words} from ${posts} where ${where} order by ${sql.join(order, sql`, `)} limit ${MOST_WALKED}
    ) as posts where (select is_common from words_are) and ${words} @@ ${asked} ${newestFirst} ${MOST_RANKED})`;
  });
  const alike = similarWords(query).map((word) => sql`(select ${titleKey(sql`${word}::text`)})`);
  const areAlike = and(...alike.map((word) => sql`${titleKey(posts.title)} %> ${word}`));
  const withAlike =
    areAlike === undefined
      ? sql``
      : sql`union (select id from (
          select ${shown} from ${posts} where (select ${titleThreshold}) is not null and ${areAlike} limit ${MOST_RANKED}
        ) as posts where ${isShown} ${newestFirst} ${MOST_ALIKE})`;
  const similarity = alike.map((word) => sql`word_similarity(${word}, ${titleKey(posts.title)})`);
  const rankAlike =
    areAlike === undefined
      ? sql``
      : sql`when (select ${titleThreshold}) is not null and ${areAlike}
          then round(1000 * (${sql.join(similarity, sql` + `)}) / ${alike.length})::int`;
  const rank = sql`case when ${words} @@ ${asked}
    then ${LEAST_RANK_OF_WORDS}::int + least(999999, round(1e6 * ts_rank(${words}, ${asked}, 1)))::int ${rankAlike} end`;

  return sql`(
    with fetched as materialized (
      select ${shown} from ${posts}
      where (select querytree(${asked}) <> 'T') and ${words} @@ ${indexed} limit ${MOST_FETCHED + 1}
    ), words_are as materialized (
      select querytree(${asked}) = 'T' or (select count(*) from fetched) > ${MOST_FETCHED} as is_common
    ), found as (
      (select id from (
        select id from fetched as posts where not (select is_common from words_are) and (${isShown})
        union all ${sql.join(walks, sql` union all `)}
      ) as posts ${newestFirst} ${MOST_RANKED})
      ${withAlike}
    ), maybe as (
      select ${posts.id}, ${rank} as rank, octet_length(${posts.content}) as bytes from found join ${posts} using (id)
    )
    select * from maybe where rank is not null
  ) as ranked`;
}

/**
 * Selects the page of the posts that answer a query best, one more than its limit where the list goes on, in the direction
 * of its going.
 */
export async function selectFound(
  db: Database,
  filter: PostFilter,
  query: SearchQuery,
  { limit, from }: PageRequest<PostId>,
): Promise<FoundPost[]> {
  const ranges = rangesOf(filter);
  if (ranges.length === 0) return [];
  const [towards, beyond] = from?.direction === "backward" ? [sql`asc`, sql`>`] : [sql`desc`, sql`<`];
  const past = from === null ? sql`true` : sql`(rank, id) ${beyond} (${Number(from.key)}::int, ${from.id}::uuid)`;
  const inOrder = sql`order by rank ${towards}, id ${towards}`;
  const page = sql`(
    select id as page_id, rank,
      coalesce(sum(bytes) over (${inOrder} rows between unbounded preceding and 2 preceding), 0) as bytes_before
    from (select * from ${ranked(ranges, query)} where ${past} ${inOrder} limit ${limit + 1}) as page
  ) as page`;
  const rows = await db
    .select({
      post: getTableColumns(posts),
      rank: sql<number>`rank`.mapWith(Number),
      headline: sql<string>`ts_headline('public.quire',
        translate(left(${posts.content}, ${EXCERPT_FROM}), ${MATCH_BEGINS + MATCH_ENDS}, ''), ${askedFor(query)}, ${HEADLINE})`,
    })
    .from(page)
    .innerJoin(posts, sql`${posts.id} = page_id`)
    .where(sql`bytes_before < ${PAGE_FULL_CONTENT_BYTES}`)
    .orderBy(sql`rank ${towards}, ${posts.id} ${towards}`);
  return rows.map(({ post, rank, headline }) => ({ ...restorePost(post), rank, excerpt: excerptOf(headline) }));
}

/** Counts all posts that {@link selectFound} leads through. */
export async function selectFoundCount(db: Database, filter: PostFilter, query: SearchQuery) {
  const ranges = rangesOf(filter);
  if (ranges.length === 0) return [];
  return db.select({ count: sql<number>`count(*)`.mapWith(Number) }).from(ranked(ranges, query));
}

/** What a range shows, of a post that was found otherwise. */
function conditionOf({ status, authorId, after, before }: Range): SQL | undefined {
  return and(
    eq(posts.status, status),
    authorId === null ? undefined : eq(posts.authorId, authorId),
    after === null ? undefined : gt(posts.publishedAt, after),
    before === null ? undefined : lt(posts.publishedAt, before),
  );
}

/** The newest posts of a range, as an index has them: the last published ones where times of publication bound it. */
function newestOf(range: Range) {
  const by = range.after === null && range.before === null ? "created" : "published";
  const value = (name: keyof Range | "key" | "id") => {
    const given = name === "key" || name === "id" ? null : range[name];
    return given instanceof Date ? sql.param(given, posts.publishedAt) : sql.param(given);
  };
  return partOfIndex(range, { by, isDescending: true, isFirst: true }, value);
}

function excerptOf(headline: string): ExcerptPart[] {
  const [before = "", ...rest] = headline.split(MATCH_BEGINS);
  const parts = rest.flatMap((part) => {
    const [match = "", after = ""] = part.split(MATCH_ENDS);
    return [
      { text: match, isMatch: true },
      { text: after, isMatch: false },
    ];
  });
  return [{ text: before, isMatch: false }, ...parts].filter(({ text }) => text !== "");
}
