/**
 * The bounds of a search, the same in every adapter. A search is up to three passes over the posts that the viewer may see, each
 * from the newest post on: posts with all words in the title, posts with all words anywhere, and, only if neither finds a post,
 * posts with a typo.
 */

/** The maximum number of posts that a pass keeps: the newest ones. More are not ranked, which bounds the work of a search. */
export const MAX_PASS_HITS = 200;

/** The maximum total that is counted. A search with more hits reports this number, and that it is not exact. */
export const MAX_EXACT_TOTAL = 1_000;

/** The maximum number of posts that a pass keeps for a search with a total. The one above the total shows that it is not exact. */
export const MAX_COUNTED_PASS_HITS = MAX_EXACT_TOTAL + 1;

/** The maximum number of posts that a pass keeps. */
export function maxPassHits(isCounted: boolean): number {
  return isCounted ? MAX_COUNTED_PASS_HITS : MAX_PASS_HITS;
}
