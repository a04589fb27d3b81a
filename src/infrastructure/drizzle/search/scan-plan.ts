import { BEGINNING_LENGTHS } from "../../../domain/search/lexemes.ts";
import { Level, levelExpressions, type MatchLevel } from "../../../domain/search/match-levels.ts";
import { allOf, indexable, type SearchExpression } from "../../../domain/search/search-expression.ts";
import { searchPasses, type SearchPass } from "../../../domain/search/search-passes.ts";
import type { SearchQuery } from "../../../domain/search/search-query.ts";

/** A scan of the index for a pass. */
export interface PlannedScan {
  /** The condition that the index answers without the terms of a row. */
  readonly indexed: SearchExpression;
  /** The condition on the terms of a row; `null` if they are not read. */
  readonly checked: SearchExpression | null;
  /** The level of its rows, if the query is of one word; `null` if it follows from their terms. */
  readonly level: number | null;
}

export interface PlannedPass extends SearchPass {
  /** True for the pass over titles, of which few match. */
  readonly isOfTitles: boolean;
  readonly finding: readonly PlannedScan[];
  /** They only improve the levels of the hits that the others have found, and follow them. */
  readonly improving: readonly PlannedScan[];
  /**
   * The pass that goes on below the rows of this one. Its hits among those rows are known: reading the terms of a row answers the
   * conditions of both.
   */
  readonly following: PlannedPass | null;
}

export interface SearchPlan {
  /** The passes that run together, one group after the other: those without typos, and then each pass with typos alone. */
  readonly groups: readonly (readonly PlannedPass[])[];
  /** The conditions of the levels, by which the rows whose terms are read are ranked. */
  readonly levels: readonly (readonly MatchLevel[])[];
}

/**
 * Plans the scans of a query. Reading the terms of a row costs twenty times as much as its entry in the index. So a query of one
 * word, the most frequent one, has a scan for each level of a match, which the index answers alone.
 */
export function planSearch(query: SearchQuery, isCounted: boolean): SearchPlan {
  const levels = levelExpressions(query);
  const [only] = levels;
  const all = searchPasses(query, isCounted);
  const exact = all.filter(({ isTypo }) => !isTypo);
  const withoutTypos =
    only !== undefined && isOneWord(query)
      ? exact.map((pass, index) => passOfLevels(pass, only, index === 0))
      : readingPasses(exact);
  const withTypos = all.filter(({ isTypo }) => isTypo).map((pass) => [readingPass(pass)]);
  return { groups: [withoutTypos, ...withTypos], levels };
}

/** The pass over titles has the levels of titles. */
function passOfLevels(pass: SearchPass, all: readonly MatchLevel[], isOfTitles: boolean): PlannedPass {
  const own = all.filter(({ level }) => isOfTitlePass(level) === isOfTitles);
  return {
    ...pass,
    isOfTitles,
    finding: own.filter((each) => !isTitleTypo(each)).map((each) => scanOfLevel(each, own)),
    improving: own.filter(isTitleTypo).map((each) => scanForTypos(each, own, pass.expression)),
    following: null,
  };
}

/** The pass over titles follows that over texts, which has found all hits in the titles of its rows. */
function readingPasses(exact: readonly SearchPass[]): readonly PlannedPass[] {
  const [texts, titles] = exact.toReversed();
  if (texts === undefined) return [];
  const following = titles === undefined ? null : { ...readingPass(titles), isOfTitles: true };
  return [{ ...readingPass(texts), following }];
}

function readingPass(pass: SearchPass): PlannedPass {
  return { ...pass, isOfTitles: false, finding: [readingScan(pass.expression)], improving: [], following: null };
}

function readingScan(expression: SearchExpression): PlannedScan {
  return { indexed: indexable(expression), checked: expression, level: null };
}

/** Whether the query is one word, with one level for each way to match it. */
function isOneWord({ alternatives, words }: SearchQuery): boolean {
  const [clauses = []] = alternatives;
  const [clause] = clauses;
  return (
    alternatives.length === 1 &&
    clauses.length === 1 &&
    words.length === 1 &&
    clause?.isExcluded === false &&
    clause.forms.length === 1 &&
    clause.forms[0]?.length === 1
  );
}

function isOfTitlePass(level: number): boolean {
  return level >= Level.titlePrefix;
}

/**
 * The condition of a level without its parts that follow from others: a word in the title is in the text as well, and always comes
 * with its beginnings.
 */
function simplified({ level, expression }: MatchLevel): SearchExpression {
  const [inTitle] = isOfTitlePass(level) && expression.kind === "and" ? expression.of : [];
  return inTitle ?? expression;
}

/** The lexeme of the beginnings of a word stands for the word itself as well. */
function indexed(condition: SearchExpression): SearchExpression {
  const answered = indexable(condition);
  const beginning = condition.kind === "prefix" && answered.kind === "or" ? answered.of.at(-1) : undefined;
  return beginning ?? answered;
}

function isTitleTypo({ level }: MatchLevel): boolean {
  return level === Level.titleTypo;
}

/** The scan for the posts of a level. */
function scanOfLevel(own: MatchLevel, all: readonly MatchLevel[]): PlannedScan {
  const condition = simplified(own);
  return {
    indexed: allOf([indexed(condition), ...withoutBetter(own, all)]),
    checked: isAnsweredByIndex(condition) ? null : condition,
    level: own.level,
  };
}

/** The scan for those posts of a pass that have typos of the word in their titles. It has dozens of lexemes. */
function scanForTypos(own: MatchLevel, all: readonly MatchLevel[], pass: SearchExpression): PlannedScan {
  const condition = allOf([pass, own.expression]);
  return { indexed: allOf([indexed(condition), ...withoutBetter(own, all)]), checked: null, level: own.level };
}

/** Excludes the posts of better levels, as far as the index can. */
function withoutBetter({ level }: MatchLevel, all: readonly MatchLevel[]): readonly SearchExpression[] {
  const better = all.filter((each) => each.level > level && !isTitleTypo(each)).map(simplified);
  return better.filter(isAnsweredByIndex).map((each): SearchExpression => ({ kind: "not", of: each }));
}

/** True if the index answers the whole condition: it has entries for terms, and for beginnings of words of some lengths. */
function isAnsweredByIndex(expression: SearchExpression): boolean {
  switch (expression.kind) {
    case "term":
    case "all":
      return true;
    case "prefix":
      return indexable(expression).kind !== "all" && hasIndexedLength(expression.lexeme);
    case "and":
    case "or":
      return expression.of.every(isAnsweredByIndex);
    case "phrase":
    case "not":
      return false;
  }
}

/** The lexeme of a beginning in a title begins with the namespace `=`. */
function hasIndexedLength(lexeme: string): boolean {
  const { length } = Array.from(lexeme.replace(/^=/, ""));
  return BEGINNING_LENGTHS.some((indexed) => indexed === length);
}
