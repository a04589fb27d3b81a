import type { PostId } from "../shared/id.ts";
import { Level } from "./match-levels.ts";
import type { SearchQuery } from "./search-query.ts";

/** A post that a pass found, with its level for each element of `levelExpressions`. */
export interface SearchHit {
  readonly id: PostId;
  readonly levels: readonly number[];
}

export interface RankedHit {
  readonly id: PostId;
  /** An integer from 0 to {@link MAX_RANK}; higher is better. Ranks of different searches are not comparable. */
  readonly rank: number;
}

export const MAX_RANK = 1_999_999;

/** The value of a match at each level, from 0 to 1. Each level of the title has a higher value than those of the content. */
const VALUES: Readonly<Record<number, number>> = {
  [Level.bodyPrefix]: 0.1,
  [Level.bodyExact]: 0.25,
  [Level.titleTypo]: 0.5,
  [Level.titlePrefix]: 0.75,
  [Level.titleExact]: 1,
};

/** The weight of the words in the order of the query, compared with the weight of one word. */
const PHRASE_WEIGHT = 0.5;

/**
 * Ranks hits, best first. A word in the title counts more than one in the content, an exact word more than the beginning of one,
 * which counts more than a typo, and a word that few of the hits have more than a common one. Among equal ranks the newest post,
 * by id, comes first.
 */
export function rankHits(query: SearchQuery, hits: readonly SearchHit[]): readonly RankedHit[] {
  const parts = hits[0]?.levels ?? [];
  const isPhrase = (part: number) => query.words.length > 1 && part === parts.length - 1;
  const weights = parts.map((_, part) => weightsOf(hits, part, isPhrase(part) ? PHRASE_WEIGHT : 1));
  const best = weights.reduce((sum, { title }) => sum + title, 0);
  const ranked = hits.map(({ id, levels }) => {
    const score = levels.reduce((sum, level, part) => sum + scoreOf(level, weights[part]), 0);
    return { id, rank: best === 0 ? 0 : Math.round((MAX_RANK * score) / best) };
  });
  return ranked.toSorted((a, b) => b.rank - a.rank || (a.id < b.id ? 1 : -1));
}

interface Weights {
  readonly title: number;
  readonly body: number;
}

/** The rarer a word is in the titles, or in the texts, of the hits, the more a match of it says. */
function weightsOf(hits: readonly SearchHit[], part: number, factor: number): Weights {
  const atLeast = (level: number) => hits.reduce((sum, hit) => sum + Number((hit.levels[part] ?? 0) >= level), 0);
  const rarity = (count: number) => factor * Math.log(1 + hits.length / Math.max(1, count));
  return { title: rarity(atLeast(Level.titleTypo)), body: rarity(atLeast(Level.bodyPrefix)) };
}

function scoreOf(level: number, weights: Weights | undefined): number {
  const weight = level >= Level.titleTypo ? weights?.title : weights?.body;
  return (VALUES[level] ?? 0) * (weight ?? 0);
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
