import { Result } from "neverthrow";
import type { PostFilter, PostPageRequest } from "../../../domain/post/post-list.ts";
import { toFoundPostPage } from "../../../domain/post/post-page.ts";
import { excerptOf } from "../../../domain/search/excerpt.ts";
import type { FoundPost, SearchPage } from "../../../domain/search/found-post.ts";
import { rankHits, rankKey, type RankedHit, type SearchHit } from "../../../domain/search/ranking.ts";
import { totalOf } from "../../../domain/search/search-passes.ts";
import type { SearchQuery } from "../../../domain/search/search-query.ts";
import { ANALYSIS_VERSION } from "../../../domain/search/text-analysis.ts";
import { isTypoMatch, MAX_COMPARED_CONTENT } from "../../../domain/search/typo-match.ts";
import type { AbortSignal } from "../../../domain/shared/abort-signal.ts";
import type { StorageFailure } from "../../../domain/shared/storage-failure.ts";
import { withSignal } from "../../sql/current-signal.ts";
import type { Database } from "../database.ts";
import { toPost } from "../post-row.ts";
import { pageRows, postTexts, type PageRow } from "./found-rows.ts";
import { hitSearch, type RunStep } from "./hits.ts";
import { stepStatement } from "./step-statement.ts";

/** The posts whose texts are compared at a time: at most 16 KiB of each. */
const COMPARED_POSTS = 50;
/** The attempts to fill a page whose posts were hidden or deleted after they had been found. */
const MAX_REFILLS = 3;

interface Search {
  readonly filter: PostFilter;
  readonly query: SearchQuery;
  /** Starts a statement, which is skipped when the signal of the search is aborted. */
  readonly start: <T>(statement: () => Promise<T>) => Promise<T>;
}

type Found = Omit<SearchPage, "items" | "next" | "previous"> & {
  readonly rows: readonly (PageRow & Pick<RankedHit, "rank">)[];
};

/**
 * `PostRepository.search`, as a few short statements. The first ones find and rank hits in the index, and the last one reads the
 * posts of the page. No statement has to see the same state as another: each checks what the viewer may see.
 */
export function postSearch(db: Database) {
  const runStep = stepStatement(db);
  const hits = hitSearch();
  const readPage = pageRows(db);
  const readTexts = postTexts(db, MAX_COMPARED_CONTENT);

  /** The hits of which the words are in fact in the post, perhaps with a typo. */
  const verified = async ({ filter, query, start }: Search, found: readonly SearchHit[]) => {
    const matching = new Set<string>();
    for (let at = 0; at < found.length; at += COMPARED_POSTS) {
      const ids = found.slice(at, at + COMPARED_POSTS).map(({ id }) => id);
      const texts = await start(async () => readTexts(ids, filter));
      for (const post of texts) if (isTypoMatch(query, post)) matching.add(post.id);
    }
    return found.filter(({ id }) => matching.has(id));
  };

  const find = async (search: Search, isCounted: boolean) => {
    const { filter, query, start } = search;
    let isComplete = true;
    let isExhaustive = true;
    const step: RunStep = async (request) => start(async () => runStep(request));
    for await (const group of hits.find(step, filter, query, isCounted)) {
      isComplete &&= group.isComplete && group.analysis === ANALYSIS_VERSION;
      isExhaustive &&= group.isExhaustive;
      const found = group.hasTypos ? await verified(search, group.hits) : group.hits;
      if (found.length > 0) return { ranked: rankHits(query, found), isComplete, isExhaustive };
    }
    return { ranked: [], isComplete, isExhaustive };
  };

  const fill = async ({ filter, start }: Search, ranked: readonly RankedHit[], wanted: number) => {
    const ranks = new Map(ranked.map(({ id, rank }) => [id, rank]));
    const rows: (PageRow & Pick<RankedHit, "rank">)[] = [];
    for (let refill = 0, at = 0; refill <= MAX_REFILLS && rows.length < wanted && at < ranked.length; refill++) {
      const ids = ranked.slice(at, at + wanted - rows.length).map(({ id }) => id);
      at += ids.length;
      const read = await start(async () => readPage(ids, filter));
      rows.push(...read.map((row) => ({ ...row, rank: ranks.get(row.post.id) ?? 0 })));
      if (read.some(({ isLast }) => isLast)) break;
    }
    return rows;
  };

  return {
    /** Reads the rows of a page. The signal applies to each statement. Throws the driver's error. */
    select: async (
      filter: PostFilter,
      query: SearchQuery,
      page: PostPageRequest,
      signal: AbortSignal | undefined,
    ): Promise<Found> => {
      const search: Search = { filter, query, start: async (statement) => withSignal(signal, statement) };
      const { ranked, isComplete, isExhaustive } = await find(search, page.isCounted === true);
      const rows = await fill(search, afterCursor(ranked, page), page.limit + 1);
      if (page.isCounted !== true) return { rows, total: null, totalIsExact: true, isComplete };
      const { total, totalIsExact } = totalOf(ranked.length);
      return { rows, total, totalIsExact: totalIsExact && isExhaustive, isComplete };
    },
  };
}

/** Makes a page of the rows. Fails with the reason `corrupt` when a row breaks an invariant of a post. */
export function toSearchPage(
  { rows, ...found }: Found,
  query: SearchQuery,
  page: PostPageRequest,
): Result<SearchPage, StorageFailure> {
  const restored = rows.map(({ post, rank }) =>
    toPost(post, "posts.search").map((restoredPost): FoundPost => ({
      ...restoredPost,
      rank,
      excerpt: excerptOf(restoredPost.content, query),
    })),
  );
  return Result.combine(restored).map((posts) => ({ ...toFoundPostPage(posts, page, rankKey), ...found }));
}

/** The hits after the cursor, in its direction. */
function afterCursor(ranked: readonly RankedHit[], { from }: PostPageRequest): readonly RankedHit[] {
  if (from === null) return ranked;
  const rank = Number(from.key);
  const isBetter = (hit: RankedHit) => hit.rank > rank || (hit.rank === rank && hit.id > from.id);
  const isWorse = (hit: RankedHit) => hit.rank < rank || (hit.rank === rank && hit.id < from.id);
  return from.direction === "backward" ? ranked.filter(isBetter).toReversed() : ranked.filter(isWorse);
}
