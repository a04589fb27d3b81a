import { variantLexeme } from "./lexemes.ts";
import { allOf, anyOf, evaluate, textClause, titleClause, typoWordOf } from "./search-expression.ts";
import type { Lexemes, SearchExpression } from "./search-expression.ts";
import type { Clause, SearchQuery } from "./search-query.ts";
import { typoVariants } from "./typo-variants.ts";

/** The levels of a match, better ones higher. A word that the post does not have is at level 0. */
export const Level = { bodyPrefix: 1, bodyExact: 2, titleTypo: 3, titlePrefix: 4, titleExact: 5 } as const;

/** A level and its condition. */
export interface MatchLevel {
  readonly level: number;
  readonly expression: SearchExpression;
}

/**
 * The levels of each scored part of a query, best first: of its wanted clauses, and of the whole query as a phrase. The level of a
 * post is that of the first condition that holds, and 0 if none does. At most 17 parts, with 5 levels each.
 */
export function levelExpressions(query: SearchQuery): readonly (readonly MatchLevel[])[] {
  const wanted = query.alternatives.flat().filter(({ isExcluded }) => !isExcluded);
  const different = new Map(wanted.map((clause) => [JSON.stringify(clause), clause]));
  const levels = [...different.values()].map(clauseLevels);
  return query.words.length > 1 ? [...levels, phraseLevels(query.words)] : levels;
}

function clauseLevels(clause: Clause): readonly MatchLevel[] {
  const exact = { ...clause, isPrefix: false };
  const word = typoWordOf(clause);
  const variants = word === null ? [] : typoVariants(word).map(variantLexeme);
  return [
    { level: Level.titleExact, expression: allOf([titleClause(exact), textClause(exact)]) },
    ...levelIf(clause.isPrefix, Level.titlePrefix, () => allOf([titleClause(clause), textClause(clause)])),
    ...levelIf(variants.length > 0, Level.titleTypo, () =>
      anyOf(variants.map((lexeme) => ({ kind: "term", lexeme }) as const)),
    ),
    { level: Level.bodyExact, expression: textClause(exact) },
    ...levelIf(clause.isPrefix, Level.bodyPrefix, () => textClause(clause)),
  ];
}

function levelIf(isPossible: boolean, level: number, expression: () => SearchExpression): readonly MatchLevel[] {
  return isPossible ? [{ level, expression: expression() }] : [];
}

function phraseLevels(words: readonly string[]): readonly MatchLevel[] {
  const phrase: Clause = { forms: [words], isExcluded: false, isQuoted: true, isPrefix: false };
  return clauseLevels(phrase);
}

/** The levels of a post, one for each element of {@link levelExpressions}. */
export function levelsOf(parts: ReturnType<typeof levelExpressions>, lexemes: Lexemes): readonly number[] {
  return parts.map((levels) => levels.find(({ expression }) => evaluate(expression, lexemes))?.level ?? 0);
}
