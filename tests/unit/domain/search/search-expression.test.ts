import { array, assert, constantFrom, oneof, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { indexedTerms } from "../../../../src/domain/search/indexed-terms.ts";
import { levelExpressions } from "../../../../src/domain/search/match-levels.ts";
import {
  evaluate,
  indexable,
  textExpression,
  textTypoExpression,
  titleExpression,
  typoExpression,
  type Lexemes,
  type SearchExpression,
} from "../../../../src/domain/search/search-expression.ts";
import { parseSearchQuery } from "../../../../src/domain/search/search-query.ts";
import { analyse } from "../../../../src/domain/search/text-analysis.ts";
import { SEARCH_CASES, SEARCH_CORPUS } from "../../../../src/contracts/search-corpus.ts";

const lexemesOf = (title: string, content: string): Lexemes =>
  new Map(indexedTerms({ title, content }).map(({ lexeme, positions }) => [lexeme, positions]));
const queryOf = (raw: string) => parseSearchQuery(raw)._unsafeUnwrap();

const WORDS = "abc abcd abcdef ab a e-mail don't C++ .net 1.2 東京都 京 हिन्दी 🚀 kubernetes kubernets or".split(" ");
const text = array(constantFrom(...WORDS, "."), { maxLength: 8 }).map((words) => words.join(" "));
const query = oneof(
  array(constantFrom(...WORDS, '"', "-", " or "), { maxLength: 8 }).map((parts) =>
    parts.join(" ").replaceAll("- ", "-"),
  ),
  string({ unit: "grapheme", maxLength: 50 }),
).filter((raw) => parseSearchQuery(raw).isOk());

/** Every expression that a search evaluates. */
function expressionsOf(raw: string): readonly SearchExpression[] {
  const parsed = queryOf(raw);
  const passes = [titleExpression, textExpression, typoExpression, textTypoExpression].map((make) => make(parsed));
  const levels = levelExpressions(parsed).flatMap((part) => part.map(({ expression }) => expression));
  return [...passes, ...levels].filter((expression) => expression !== null);
}

function kindsOf(expression: SearchExpression): readonly string[] {
  if (!("of" in expression)) return [expression.kind];
  const parts = expression.kind === "not" ? [expression.of] : expression.of;
  return [expression.kind, ...parts.flatMap(kindsOf)];
}

describe("evaluate", () => {
  const lexemes = lexemesOf("Two mice", "one two three one");
  it.each<[SearchExpression, boolean]>([
    [{ kind: "all" }, true],
    [{ kind: "term", lexeme: "mice" }, true],
    [{ kind: "term", lexeme: "mic" }, false],
    [{ kind: "prefix", lexeme: "mic" }, true],
    [{ kind: "prefix", lexeme: "=mic" }, true],
    [{ kind: "prefix", lexeme: "=thr" }, false],
    [{ kind: "phrase", lexemes: ["two", "three", "one"] }, true],
    [{ kind: "phrase", lexemes: ["three", "two"] }, false],
    // No phrase spans the title and the content.
    [{ kind: "phrase", lexemes: ["mice", "one"] }, false],
    [{ kind: "not", of: { kind: "term", lexeme: "four" } }, true],
    [{ kind: "not", of: { kind: "all" } }, false],
    [{ kind: "and", of: [] }, true],
    [{ kind: "or", of: [] }, false],
    [
      { kind: "and", of: [{ kind: "all" }, { kind: "or", of: [{ kind: "term", lexeme: "x" }, { kind: "all" }] }] },
      true,
    ],
    [{ kind: "and", of: [{ kind: "all" }, { kind: "term", lexeme: "x" }] }, false],
  ])("evaluates %j to %s", (expression, expected) => {
    expect(evaluate(expression, lexemes)).toBe(expected);
  });
});

describe("indexable", () => {
  it.each<[SearchExpression, SearchExpression]>([
    [
      { kind: "phrase", lexemes: ["a", "b", "a"] },
      {
        kind: "and",
        of: [
          { kind: "term", lexeme: "a" },
          { kind: "term", lexeme: "b" },
        ],
      },
    ],
    [{ kind: "prefix", lexeme: "ab" }, { kind: "all" }],
    [
      { kind: "prefix", lexeme: "abcd" },
      {
        kind: "or",
        of: [
          { kind: "term", lexeme: "abcd" },
          { kind: "term", lexeme: "^abcd" },
        ],
      },
    ],
    [
      { kind: "prefix", lexeme: "=abcdef" },
      {
        kind: "or",
        of: [
          { kind: "term", lexeme: "=abcdef" },
          { kind: "term", lexeme: "=^abcde" },
        ],
      },
    ],
    [{ kind: "not", of: { kind: "term", lexeme: "a" } }, { kind: "all" }],
    [
      { kind: "and", of: [{ kind: "all" }, { kind: "term", lexeme: "a" }] },
      { kind: "term", lexeme: "a" },
    ],
    [{ kind: "or", of: [{ kind: "all" }, { kind: "term", lexeme: "a" }] }, { kind: "all" }],
    [
      { kind: "or", of: [] },
      { kind: "or", of: [] },
    ],
  ])("weakens %j to %j", (expression, expected) => {
    expect(indexable(expression)).toEqual(expected);
  });

  it("has only terms, and holds for every post that satisfies the expression", () => {
    assert(
      property(query, text, text, (raw, title, content) => {
        const lexemes = lexemesOf(title, content);
        for (const expression of expressionsOf(raw)) {
          const weaker = indexable(expression);
          expect(kindsOf(weaker).filter((kind) => !["term", "and", "or", "all"].includes(kind))).toEqual([]);
          if (evaluate(expression, lexemes)) expect(evaluate(weaker, lexemes)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("the expressions of a query", () => {
  it("find a post by each of its words, and by the beginnings of its last word", () => {
    const posts = array(oneof(constantFrom(...WORDS), string({ unit: "grapheme", maxLength: 12 })), { maxLength: 5 });
    assert(
      property(posts, posts, (titleWords, contentWords) => {
        const lexemes = lexemesOf(titleWords.join(" "), contentWords.join(" "));
        for (const written of [...titleWords, ...contentWords]) {
          for (const { term } of analyse(written)) {
            expect(evaluate(textExpression(queryOf(term)), lexemes)).toBe(true);
            const beginning = term.slice(0, 3);
            if (/^[a-z]{3}$/.test(beginning)) expect(evaluate(textExpression(queryOf(beginning)), lexemes)).toBe(true);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("find in the text what they find in the title, and with typos what they find in the text", () => {
    const queries = [...SEARCH_CASES.map(([raw]) => raw), "kubernets pods", "pods -mice"];
    for (const raw of queries.map(queryOf)) {
      const [title, all, typo, textTypo] = [titleExpression, textExpression, typoExpression, textTypoExpression].map(
        (make) => make(raw),
      );
      for (const post of SEARCH_CORPUS) {
        const lexemes = lexemesOf(post.title, post.content);
        const holds = (expression: SearchExpression | null | undefined) =>
          evaluate(expression ?? { kind: "all" }, lexemes);
        if (title && holds(title)) expect(holds(all)).toBe(true);
        if (holds(all)) expect([holds(typo), holds(textTypo)]).toEqual([true, true]);
      }
    }
  });

  it("have no title expression without a wanted word, and no typo expression with an operator or short words", () => {
    expect(titleExpression(queryOf("-kubernetes"))).toBeNull();
    for (const raw of ["kubernetes -pods", '"kubernetes"', "kubernetes or pods", "cat", "東京都", "12345"]) {
      expect(typoExpression(queryOf(raw))).toBeNull();
      expect(textTypoExpression(queryOf(raw))).toBeNull();
    }
    expect(typoExpression(queryOf("kubernetes 12"))).not.toBeNull();
  });
});
