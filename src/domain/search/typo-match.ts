import type { SearchQuery } from "./search-query.ts";

/** Whether each word of the query is in the post, perhaps with a typo. It verifies the hits of `typoExpression`. */
export function isTypoMatch(query: SearchQuery, post: { readonly title: string; readonly content: string }): boolean {
  void query;
  void post;
  return false;
}
