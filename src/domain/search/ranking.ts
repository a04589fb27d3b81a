import type { PostId } from "../shared/id.ts";
import type { SearchQuery } from "./search-query.ts";

export interface SearchHit {
  readonly id: PostId;
  readonly levels: readonly number[];
}
export interface RankedHit {
  readonly id: PostId;
  readonly rank: number;
}

export const MAX_RANK = 1_999_999;

/** Ranks hits, best first, and newest first among equal ranks. */
export function rankHits(query: SearchQuery, hits: readonly SearchHit[]): readonly RankedHit[] {
  void query;
  void hits;
  return [];
}

/** The sort key of a hit: its rank as text of fixed length, so that code points compare like ranks. */
export function rankKey({ rank }: { readonly rank: number }): string {
  return String(rank).padStart(RANK_DIGITS, "0");
}

const RANK_DIGITS = String(MAX_RANK).length;

/** Whether {@link rankKey} could have returned this key. It rejects forged cursors. */
export function isRankKey(key: string | null): boolean {
  return key !== null && /^\d{7}$/.test(key) && Number(key) <= MAX_RANK;
}
