import { sql } from "drizzle-orm";
import type { Result } from "neverthrow";
import { ANALYSIS_VERSION } from "../../../domain/search/text-analysis.ts";
import { NIL_ID, type PostId } from "../../../domain/shared/id.ts";
import type { StorageFailure } from "../../../domain/shared/storage-failure.ts";
import { attempt } from "../attempt.ts";
import type { Database } from "../database.ts";
import { once } from "../prepared.ts";
import { posts, postSearch, searchIndex } from "../schema.ts";
import { indexBatch, isOutdated, MAX_BATCH_POSTS, type IndexedBatch } from "./index-batch.ts";

/** The number of posts that a statement compares with the index: a few milliseconds. */
const COMPARED_POSTS = 1_000;

/** The progress of a sweep. */
export interface SweepProgress {
  readonly compared: number;
  readonly total: number;
}

export interface SweepOptions {
  readonly isStopping?: () => boolean;
  /** Whether posts that are indexed already are indexed again. */
  readonly isForced?: boolean;
  /** Called after each batch. The total is an estimate. */
  readonly onProgress?: (progress: SweepProgress) => void;
  /** Called before each statement, to let requests pass. */
  readonly rest?: () => Promise<void>;
}

/** The search index as a projection of the posts. Several processes may work on it at once, beside any other write. */
export interface SearchIndex {
  /** Indexes posts that have changed, at most a batch of them, and returns those that are left. */
  index(ids: readonly PostId[]): Promise<Result<IndexedBatch, StorageFailure>>;
  /**
   * Compares every post with the index and indexes those that are missing or outdated, in the order of their ids. Returns the number
   * of indexed posts. A sweep that reaches the end marks the index as complete.
   */
  sweep(options?: SweepOptions): Promise<Result<number, StorageFailure>>;
}

/** A search index that announces its writes, so that results of searches can be cached. */
export interface AnnouncedSearchIndex extends SearchIndex {
  /** Registers a function that is called before each write. It returns one that is called after the write, whatever its outcome. */
  readonly onWrite: (begin: () => () => void) => void;
}

export function searchIndexOn(db: Database): AnnouncedSearchIndex {
  const index = indexBatch(db, ordinals(db));
  const compare = comparison(db);
  const begins: (() => () => void)[] = [];
  const announced = async <T>(write: () => Promise<T>): Promise<T> => {
    const ends = begins.map((begin) => begin());
    return write().finally(() => {
      for (const end of ends) end();
    });
  };

  const indexSome = async (ids: readonly PostId[], isForced = false): Promise<IndexedBatch> => {
    const batch = await announced(async () => index(ids.slice(0, MAX_BATCH_POSTS), isForced));
    return { indexed: batch.indexed, left: [...batch.left, ...ids.slice(MAX_BATCH_POSTS)] };
  };
  const complete = async () => announced(async () => markComplete(db));

  return {
    index: async (ids) => attempt(db, "searchIndex.index", async () => indexSome(ids)),
    sweep: async (options = {}) =>
      attempt(db, "searchIndex.sweep", async () => sweep({ db, compare, indexSome, complete }, options)),
    onWrite: (begin) => void begins.push(begin),
  };
}

interface Sweep {
  readonly db: Database;
  readonly compare: ReturnType<typeof comparison>;
  readonly indexSome: (ids: readonly PostId[], isForced: boolean) => Promise<IndexedBatch>;
  readonly complete: () => Promise<void>;
}

async function sweep({ db, compare, indexSome, complete }: Sweep, options: SweepOptions): Promise<number> {
  const { isStopping = () => false, isForced = false, onProgress, rest = async () => {} } = options;
  const total = onProgress === undefined ? 0 : await countPosts(db);
  let compared = 0;
  let indexed = 0;
  let isAll = true;
  for (let after: PostId | null = null; ;) {
    await rest();
    if (isStopping()) return indexed;
    const { outdated, last, size } = await compare(after, isForced);
    for (let left: readonly PostId[] = outdated; left.length > 0;) {
      await rest();
      if (isStopping()) return indexed;
      const batch = await indexSome(left, isForced);
      indexed += batch.indexed;
      // Posts that others are writing: they are indexed after that write.
      const isStuck = batch.indexed === 0 && batch.left.length === left.length;
      isAll &&= !isStuck;
      left = isStuck ? [] : batch.left;
    }
    compared += size;
    onProgress?.({ compared, total: Math.max(total, compared) });
    if (last === null) break;
    after = last;
  }
  if (isAll) await complete();
  return indexed;
}

async function countPosts(db: Database): Promise<number> {
  const [row] = await db
    .select({ total: sql`count(*)`.mapWith(Number) })
    .from(posts)
    .execute();
  return row?.total ?? 0;
}

/** Writes nothing if the index is marked already: a sweep runs at every start. */
async function markComplete(db: Database): Promise<void> {
  await db
    .update(searchIndex)
    .set({ analysis: ANALYSIS_VERSION, isComplete: true })
    .where(
      sql`${searchIndex.analysis} < ${ANALYSIS_VERSION} or (${searchIndex.analysis} = ${ANALYSIS_VERSION} and not ${searchIndex.isComplete})`,
    );
}

/** Finds the outdated ones among the posts after an id. */
function comparison(db: Database) {
  const statement = once(() =>
    db
      .select({
        id: sql<PostId>`id`,
        isOutdated: sql<boolean>`is_outdated`,
      })
      .from(
        sql`(
          select ${posts.id}, ${sql.placeholder("isForced")}::boolean or ${isOutdated} as is_outdated
          from (
            select id, version from ${posts} where id > ${sql.placeholder("after")}::uuid order by id
            limit ${sql.raw(String(COMPARED_POSTS))}
          ) as posts left join ${postSearch} on ${postSearch.postId} = ${posts.id}
        ) as compared`,
      )
      .prepare("search_compare"),
  );
  return async (after: PostId | null, isForced: boolean) => {
    const rows = await statement().execute({ after: after ?? NIL_ID, isForced });
    const ids = rows.map(({ id }) => id).toSorted();
    return {
      outdated: rows
        .filter((row) => row.isOutdated)
        .map(({ id }) => id)
        .toSorted(),
      last: rows.length < COMPARED_POSTS ? null : (ids.at(-1) ?? null),
      size: rows.length,
    };
  };
}

/** Gives out the ordinals of new rows, in the order of the batches of all processes. */
function ordinals(db: Database) {
  return async (count: number): Promise<readonly number[]> => {
    const [state] = await db
      .update(searchIndex)
      .set({ lastOrdinal: sql`${searchIndex.lastOrdinal} + ${count}` })
      .returning({ lastOrdinal: searchIndex.lastOrdinal });
    if (state === undefined) throw new Error("The table search_index has no row.");
    return Array.from({ length: count }, (_, place) => state.lastOrdinal - count + 1 + place);
  };
}
