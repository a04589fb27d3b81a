import type { Post } from "../post/post.ts";
import type { CountedPage } from "../shared/page.ts";
import type { ExcerptPart } from "./excerpt.ts";

/** A post that a search found. */
export type FoundPost = Post & {
  /** An integer from 0 to `MAX_RANK`; higher is better. Ranks of different searches are not comparable. */
  readonly rank: number;
  readonly excerpt: readonly ExcerptPart[];
};

/** One page of a search, best match first. */
export interface SearchPage extends CountedPage<FoundPost> {
  /** False if more posts match than `MAX_EXACT_TOTAL`, which `total` is then. True for a page without a total. */
  readonly totalIsExact: boolean;
  /** False while the search index is being built: posts that are not indexed yet are missing. */
  readonly isComplete: boolean;
}
