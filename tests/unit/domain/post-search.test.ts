import { describe, expect, it } from "vitest";
import { isRankKey, MAX_RANK, parseSearchQuery, similarWords } from "../../../src/domain/post/post-search.ts";

const wordsOf = (raw: string) => similarWords(parseSearchQuery(raw)._unsafeUnwrap());

describe("similarWords", () => {
  it("returns the words of four letters or more", () => {
    expect(wordsOf("the analytical engine, 1843")).toEqual(["analytical", "engine", "1843"]);
  });

  it.each(["engine or garden", "engine OR garden", "engine Or", '"analytical engine"', "engine -garden"])(
    "returns none for a query with an operator: %s",
    (query) => {
      expect(wordsOf(query)).toEqual([]);
    },
  );

  it("returns the words of a query with `or` inside a word", () => {
    expect(wordsOf("order motor")).toEqual(["order", "motor"]);
  });

  it("returns none for more than eight words", () => {
    const words = Array.from({ length: 8 }, (_, index) => `word${index}`);
    expect(wordsOf(words.join(" "))).toEqual(words);
    expect(wordsOf([...words, "word8"].join(" "))).toEqual([]);
  });
});

describe("isRankKey", () => {
  it.each([
    ["0000000", true],
    [String(MAX_RANK), true],
    [String(MAX_RANK + 1), false],
    ["1", false],
    ["00000001", false],
    ["-000001", false],
    [null, false],
  ])("for the key %j returns %s", (key, expected) => {
    expect(isRankKey(key)).toBe(expected);
  });
});
