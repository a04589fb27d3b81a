import type { Lexemes, SearchExpression } from "./search-expression.ts";
import type { SearchQuery } from "./search-query.ts";

/** A level of a match, from 1 (the beginning of a word in the content) to 5 (the word in the title), and its condition. */
export interface MatchLevel {
  readonly level: number;
  readonly expression: SearchExpression;
}

/**
 * For each scored part of a query its levels, best first. The level of a post is that of the first condition that holds, and 0
 * if none does.
 */
export function levelExpressions(query: SearchQuery): readonly (readonly MatchLevel[])[] {
  void query;
  return [];
}

/** The levels of a post, one for each element of {@link levelExpressions}. */
export function levelsOf(expressions: readonly (readonly MatchLevel[])[], lexemes: Lexemes): readonly number[] {
  void expressions;
  void lexemes;
  return [];
}
