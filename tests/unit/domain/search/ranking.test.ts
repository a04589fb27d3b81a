import { array, assert, integer, property, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import type { PostId } from "../../../../src/domain/shared/id.ts";
import { indexedTerms } from "../../../../src/domain/search/indexed-terms.ts";
import { Level, levelExpressions, levelsOf } from "../../../../src/domain/search/match-levels.ts";
import { isRankKey, MAX_RANK, rankHits, rankKey } from "../../../../src/domain/search/ranking.ts";
import { searchPasses, totalOf } from "../../../../src/domain/search/search-passes.ts";
import { parseSearchQuery } from "../../../../src/domain/search/search-query.ts";
import { isTypoMatch } from "../../../../src/domain/search/typo-match.ts";

const queryOf = (raw: string) => parseSearchQuery(raw)._unsafeUnwrap();
const levels = (raw: string, title: string, content = "") =>
  levelsOf(
    levelExpressions(queryOf(raw)),
    new Map(indexedTerms({ title, content }).map(({ lexeme, positions }) => [lexeme, positions])),
  );
const ranked = (raw: string, hits: readonly (readonly number[])[]) =>
  rankHits(
    queryOf(raw),
    hits.map((each, index) => ({ id: String(index) as PostId, levels: each })),
  );
const order = (raw: string, hits: readonly (readonly number[])[]) => ranked(raw, hits).map(({ id }) => Number(id));

describe("levelExpressions", () => {
  it.each([
    ["engine", "Engine", "", [5]],
    ["engin", "Engine", "", [4]],
    ["engime", "Engine", "", [3]],
    ["engine", "Other", "An engine", [2]],
    ["engin", "Other", "An engine", [1]],
    ["engine", "Other", "", [0]],
    ["wifi", "Wi-Fi", "", [5]],
    ["東", "東京", "", [5]],
    ["東", "Other", "東京", [2]],
    ["steam engine", "Steam engine", "", [5, 5, 5]],
    ["steam engine", "Engine of steam", "", [5, 5, 0]],
    ["steam engine", "Other", "A steam engine", [2, 2, 2]],
    ['"steam engine"', "Steam", "A steam engine", [2, 2]],
    ["steam -engine", "Steam", "", [5]],
    ["-engine", "Steam", "", []],
  ])("gives %j in the title %j and the content %j the levels %j", (raw, title, content, expected) => {
    expect(levels(raw, title, content)).toEqual(expected);
  });
});

describe("rankHits", () => {
  it("prefers the title to the content, exact words to beginnings and typos, and newer posts among equals", () => {
    expect(order("word", [[1], [2], [3], [4], [5], [5], [0]])).toEqual([5, 4, 3, 2, 1, 0, 6]);
  });

  it("prefers rare words to common ones", () => {
    expect(
      order("one or two", [
        [0, 2, 0],
        [2, 0, 0],
        [2, 0, 0],
        [2, 0, 0],
      ]),
    ).toEqual([0, 3, 2, 1]);
  });

  it.each([
    ["beginnings of words in the content", Level.bodyPrefix],
    ["typos in the title", Level.titleTypo],
  ])("prefers rare words to common ones, if the matches are %s", (_, level) => {
    expect(
      order("one or two", [
        [0, level, 0],
        [level, 0, 0],
        [level, 0, 0],
        [level, 0, 0],
      ]),
    ).toEqual([0, 3, 2, 1]);
  });

  it("gives each word the same weight, if a word is excluded", () => {
    expect(
      order("one or two -three", [
        [2, 0],
        [0, 2],
      ]),
    ).toEqual([1, 0]);
  });

  it("prefers the words in the order of the query", () => {
    expect(
      order("to be or not to be", [
        [5, 5, 5, 5, 5, 5],
        [5, 5, 5, 5, 5, 0],
      ]),
    ).toEqual([0, 1]);
  });

  it("returns integers from 0 to the maximum, in descending order, with keys of the same order", () => {
    assert(
      property(
        array(tuple(integer({ min: 0, max: 5 }), integer({ min: 0, max: 5 }), integer({ min: 0, max: 5 }))),
        (hits) => {
          const ranks = ranked("one two", hits);
          expect(ranks).toHaveLength(hits.length);
          for (const hit of ranks) {
            expect(Number.isInteger(hit.rank) && hit.rank >= 0 && hit.rank <= MAX_RANK).toBe(true);
            expect(isRankKey(rankKey(hit))).toBe(true);
          }
          const keys = ranks.map((hit) => `${rankKey(hit)} ${hit.id}`.padEnd(20));
          expect(ranks.map(({ rank }) => rank)).toEqual(ranks.map(({ rank }) => rank).toSorted((a, b) => b - a));
          expect(new Set(keys).size).toBe(hits.length);
        },
      ),
    );
  });
});

describe("isRankKey", () => {
  it.each([
    ["0000000", true],
    [String(MAX_RANK), true],
    [String(MAX_RANK + 1), false],
    ["1", false],
    ["00000000", false],
    ["-000001", false],
    ["000000a", false],
    [null, false],
  ])("of %s is %s", (key, expected) => {
    expect(isRankKey(key)).toBe(expected);
  });
});

describe("isTypoMatch", () => {
  it.each([
    ["kubernets", "Kubernetes", "", true],
    ["kubernets pods", "Kubernetes", "Pods", true],
    ["kubernets pods", "Kubernetes", "", false],
    ["gradient descnt", "Other", "Gradient descent", true],
    ["gradient dsecent", "Other", "Gradient descent", false],
    ["gradient dsecent", "Gradient descent", "", true],
    ["garden", "Wardrobe", "gardener", true],
    ["micee", "Microsoft", "", false],
    ["mice 2025", "Mice", "2026", false],
    ["kubernets 京", "Kubernetes", "東京", true],
    ["kubernets 京", "Kubernetes", "東", false],
    ["kubernets wi-fi", "Kubernetes", "WiFi", true],
    ["kubernets a/b", "Kubernetes", "A, a/b", true],
    ["kubernets a/b", "Kubernetes", "b a", false],
    ["kubernets a/b c/d", "Kubernetes", "a/b", false],
  ])("compares %j with the title %j and the content %j: %s", (raw, title, content, expected) => {
    expect(isTypoMatch(queryOf(raw), { title, content })).toBe(expected);
  });
});

describe("searchPasses", () => {
  it("keeps 200 posts, 1,001 for a total, and compares 100 with a typo", () => {
    const bounds = (isCounted: boolean) =>
      searchPasses(queryOf("engine"), isCounted).map(({ maxHits, isTypo }) => [maxHits, isTypo]);
    expect(bounds(false)).toEqual([
      [200, false],
      [200, false],
      [100, true],
      [100, true],
    ]);
    expect(bounds(true)).toEqual([
      [1_001, false],
      [1_001, false],
      [100, true],
      [100, true],
    ]);
    expect(searchPasses(queryOf("-engine"), false)).toHaveLength(1);
  });

  it("counts up to 1,000", () => {
    expect(totalOf(1_000)).toEqual({ total: 1_000, totalIsExact: true });
    expect(totalOf(1_001)).toEqual({ total: 1_000, totalIsExact: false });
  });
});
