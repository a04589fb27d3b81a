import { setImmediate as nextTurn } from "node:timers/promises";
import { sql } from "drizzle-orm";
import type { PostContent, PostStatus, PostTitle } from "../../../domain/post/post.ts";
import { indexedTerms, type IndexedTerm } from "../../../domain/search/indexed-terms.ts";
import { ANALYSIS_VERSION, MAX_ANALYSED_LENGTH } from "../../../domain/search/text-analysis.ts";
import type { PostId, UserId } from "../../../domain/shared/id.ts";
import type { Version } from "../../../domain/shared/version.ts";
import type { Database } from "../database.ts";
import { once } from "../prepared.ts";
import { posts, postSearch, searchIndex } from "../schema.ts";
import { tsvectorText } from "./tsquery.ts";

/** The maximum number of posts of a batch. Under load one batch runs in 400 ms, and requests wait for its statements. */
export const MAX_BATCH_POSTS = 32;
/** The maximum size of the contents that a batch reads, in bytes. The first post is always read. */
const MAX_BATCH_BYTES = 524_288;
/** The maximum number of lexemes that a statement stores, and another one merges. The first post is always stored. */
const MAX_BATCH_LEXEMES = 8_192;
/** The time of the analysis after which the event loop serves requests, in milliseconds. */
const ANALYSIS_SLICE_MS = 4;

/** A post to index: `ordinal` is that of its row in the index, or `null`. */
interface UnindexedPost {
  readonly id: PostId;
  readonly title: PostTitle;
  readonly content: PostContent;
  readonly authorId: UserId;
  readonly status: PostStatus;
  readonly publishedAt: Date | null;
  readonly version: Version;
  readonly ordinal: number | null;
}

interface AnalysedPost extends UnindexedPost {
  readonly terms: readonly IndexedTerm[];
}

/** The result of a batch. */
export interface IndexedBatch {
  readonly indexed: number;
  /** The posts that were not indexed, because the batch was full or another transaction was writing them. */
  readonly left: readonly PostId[];
}

/** Gives out ordinals for new rows. */
type NextOrdinals = (count: number) => Promise<readonly number[]>;

/** Indexes batches of posts. */
export function indexBatch(db: Database, nextOrdinals: NextOrdinals) {
  const read = unindexedPosts(db);
  const store = rowStorage(db);

  /** @param isForced Whether posts that are indexed already are indexed again. */
  return async (ids: readonly PostId[], isForced = false): Promise<IndexedBatch> => {
    const { found, beyond } = await read(ids, isForced);
    const missing = found.filter(({ ordinal }) => ordinal === null);
    const ordinals = [...(missing.length === 0 ? [] : await nextOrdinals(missing.length))];
    const numbered = found.map((post) => ({ ...post, ordinal: post.ordinal ?? ordinals.shift() ?? 0 }));
    let indexed = 0;
    const left = [...beyond];
    for await (const part of analysed(numbered)) {
      const stored = await store(part);
      if (stored.size > 0) await mergePendingList(db);
      indexed += stored.size;
      left.push(...part.flatMap(({ id }) => (stored.has(id) ? [] : [id])));
    }
    return { indexed, left };
  };
}

/** Merges what a statement has stored into the index: a search reads all of the pending list. */
async function mergePendingList(db: Database): Promise<void> {
  // Updates nothing: the condition calls the function.
  await db
    .update(searchIndex)
    .set({ lastOrdinal: searchIndex.lastOrdinal })
    .where(sql`public.merge_post_search() is null`);
}

/** Analyses the posts in their order, and groups them into statements. */
async function* analysed<Unindexed extends UnindexedPost>(
  found: readonly Unindexed[],
): AsyncGenerator<readonly (Unindexed & AnalysedPost)[]> {
  let part: (Unindexed & AnalysedPost)[] = [];
  let lexemes = 0;
  let since = performance.now();
  for (const post of found) {
    const terms = indexedTerms(post);
    if (part.length > 0 && lexemes + terms.length > MAX_BATCH_LEXEMES) {
      yield part;
      part = [];
      lexemes = 0;
    }
    part.push({ ...post, terms });
    lexemes += terms.length;
    if (performance.now() - since > ANALYSIS_SLICE_MS) {
      await nextTurn();
      since = performance.now();
    }
  }
  if (part.length > 0) yield part;
}

/** Reads those of the posts that are not indexed at their version and by this analysis, in the order of their ids. */
function unindexedPosts(db: Database) {
  const bytes = sql`least(octet_length(${posts.content}), ${sql.raw(String(MAX_ANALYSED_LENGTH))})`;
  const statement = once(() =>
    db
      .select({
        id: posts.id,
        title: posts.title,
        content: sql<PostContent | null>`case when bytes_before < ${sql.raw(String(MAX_BATCH_BYTES))}
          then left(${posts.content}, ${sql.raw(String(MAX_ANALYSED_LENGTH))}) end`,
        authorId: posts.authorId,
        status: posts.status,
        publishedAt: posts.publishedAt,
        version: posts.version,
        ordinal: sql`ordinal`.mapWith(Number),
      })
      .from(
        sql`(
          select ${posts.id} as unindexed_id, ordinal, sum(${bytes}) over (order by ${posts.id}) - ${bytes} as bytes_before
          from ${posts} left join ${postSearch} on ${postSearch.postId} = ${posts.id}
          where ${posts.id} = any(${sql.placeholder("ids")}::uuid[])
            and (${sql.placeholder("isForced")}::boolean or ${isOutdated})
        ) as unindexed`,
      )
      .innerJoin(posts, sql`${posts.id} = unindexed_id`)
      .orderBy(posts.id)
      .prepare("search_unindexed"),
  );
  return async (ids: readonly PostId[], isForced: boolean) => {
    const rows = await statement().execute({ ids, isForced });
    const found = rows.flatMap(({ content, ...row }): UnindexedPost[] =>
      content === null ? [] : [{ ...row, content }],
    );
    const beyond = rows.flatMap(({ id, content }) => (content === null ? [id] : []));
    return { found, beyond };
  };
}

/** True if a post has no row in the index, or one of an older version of the post or of the analysis. */
export const isOutdated = sql`(${postSearch.version} is null or ${postSearch.version} < ${posts.version}
  or ${postSearch.analysis} < ${sql.raw(String(ANALYSIS_VERSION))})`;

/**
 * Stores rows of the index, and returns the ids of the stored ones. A post that has another version by now is left out, and so is
 * one that a transaction is writing: nothing waits for its end, and no post is indexed as what it no longer is. A row of the same or
 * an older version is replaced. Processes store in the order of the ids, so none waits for another that waits for it.
 */
function rowStorage(db: Database) {
  const statement = once(() =>
    db
      .insert(postSearch)
      .select(
        sql`with held as materialized (
            select id, version from ${posts} where id = any(${sql.placeholder("ids")}::uuid[]) order by id for share skip locked
          ), given as (
            select * from unnest(${sql.placeholder("ids")}::uuid[], ${sql.placeholder("ordinals")}::bigint[],
              ${sql.placeholder("versions")}::bigint[], ${sql.placeholder("publishedAt")}::timestamptz[], ${sql.placeholder("terms")}::text[])
              as given (id, ordinal, version, published_at, terms)
          ), parsed as materialized (
            select given.*, terms::tsvector as vector from given join held using (id, version)
          )
          select id, ordinal, version, ${sql.raw(String(ANALYSIS_VERSION))}, published_at, pg_column_size(vector), vector
          from parsed order by id`,
      )
      .onConflictDoUpdate({
        target: postSearch.postId,
        set: {
          ordinal: sql`excluded.ordinal`,
          version: sql`excluded.version`,
          analysis: sql`excluded.analysis`,
          publishedAt: sql`excluded.published_at`,
          bytes: sql`excluded.bytes`,
          terms: sql`excluded.terms`,
        },
        setWhere: sql`${postSearch.version} <= excluded.version`,
      })
      .returning({ id: postSearch.postId })
      .prepare("search_index_rows"),
  );
  return async (rows: readonly (AnalysedPost & { readonly ordinal: number })[]): Promise<ReadonlySet<PostId>> => {
    const stored = await statement().execute({
      ids: rows.map(({ id }) => id),
      ordinals: rows.map(({ ordinal }) => String(ordinal)),
      versions: rows.map(({ version }) => String(version)),
      publishedAt: rows.map(({ publishedAt }) => publishedAt?.toISOString() ?? null),
      terms: rows.map((row) => tsvectorText(row, row.terms, row.ordinal)),
    });
    return new Set(stored.map(({ id }) => id));
  };
}
