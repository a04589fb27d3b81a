import type { SearchQuery } from "./search-query.ts";

/** A condition on the indexed terms of a post. An `and` of nothing is true, and an `or` of nothing is false. */
export type SearchExpression =
  | { readonly kind: "term"; readonly lexeme: string }
  | { readonly kind: "prefix"; readonly lexeme: string }
  | { readonly kind: "phrase"; readonly lexemes: readonly string[] }
  | { readonly kind: "and" | "or"; readonly of: readonly SearchExpression[] }
  | { readonly kind: "not"; readonly of: SearchExpression }
  | { readonly kind: "all" };

/** The lexemes of a post with their positions. */
export type Lexemes = ReadonlyMap<string, readonly number[]>;

/** All words are in the title. `null` if the query has only excluded words. */
export function titleExpression(query: SearchQuery): SearchExpression | null {
  void query;
  return null;
}

/** All words are in the title or in the content. */
export function textExpression(query: SearchQuery): SearchExpression {
  void query;
  return { kind: "all" };
}

/** All words are in the post, perhaps with a typo. `isTypoMatch` has to verify each hit. `null` if the query allows no typo. */
export function typoExpression(query: SearchQuery): SearchExpression | null {
  void query;
  return null;
}

/** The weaker condition that an inverted index answers without the row: `term`, `and`, `or` and `all` alone. */
export function indexable(expression: SearchExpression): SearchExpression {
  return expression;
}

export function evaluate(expression: SearchExpression, lexemes: Lexemes): boolean {
  void expression;
  void lexemes;
  return false;
}
