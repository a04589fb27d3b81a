import { textExpression, textTypoExpression, titleExpression, typoExpression } from "./search-expression.ts";
import type { SearchExpression } from "./search-expression.ts";
import type { SearchQuery } from "./search-query.ts";

/** The maximum number of posts that a pass keeps: the newest ones. More are not ranked, which bounds the work of a search. */
const MAX_PASS_HITS = 200;

/** The maximum total that is counted. A search with more hits reports this number, and that it is not exact. */
export const MAX_EXACT_TOTAL = 1_000;

/** The maximum number of posts that a pass keeps for a search with a total. One more than the total shows that it is not exact. */
const MAX_COUNTED_PASS_HITS = MAX_EXACT_TOTAL + 1;

/** The maximum number of posts that a pass compares with a typo, the newest ones. Their texts are read, so it is lower. */
const MAX_TYPO_CANDIDATES = 100;

/**
 * A pass over the posts that the viewer may see. It keeps the newest posts, by id, that satisfy the expression: `maxHits` at most.
 */
export interface SearchPass {
  readonly expression: SearchExpression;
  readonly maxHits: number;
  /** The pass runs only if the passes before it have found no post. Its hits count only if `isTypoMatch` holds. */
  readonly isTypo: boolean;
}

/**
 * The passes of a search, in their order, the same in every adapter. The hits of all of them are ranked together:
 *
 * 1. posts with all words in the title, which a common word in the contents of newer posts cannot displace;
 * 2. posts with all words in the title or the content;
 * 3. if there is none, posts with a typo in the title;
 * 4. if there is none, posts with a typo after the third letter of a word in the content.
 */
export function searchPasses(query: SearchQuery, isCounted: boolean): readonly SearchPass[] {
  const maxHits = isCounted ? MAX_COUNTED_PASS_HITS : MAX_PASS_HITS;
  const pass = (expression: SearchExpression | null, isTypo: boolean): readonly SearchPass[] =>
    expression === null ? [] : [{ expression, maxHits: isTypo ? MAX_TYPO_CANDIDATES : maxHits, isTypo }];
  return [
    ...pass(titleExpression(query), false),
    ...pass(textExpression(query), false),
    ...pass(typoExpression(query), true),
    ...pass(textTypoExpression(query), true),
  ];
}

/** The total of a search that found this many posts. */
export function totalOf(hits: number): { readonly total: number; readonly totalIsExact: boolean } {
  return { total: Math.min(hits, MAX_EXACT_TOTAL), totalIsExact: hits <= MAX_EXACT_TOTAL };
}
