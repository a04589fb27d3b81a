import { array, assert, constantFrom, integer, property, string, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import {
  indexedTerms,
  MAX_INDEXED_BYTES,
  MAX_POSITION,
  MAX_POSITIONS,
} from "../../../../src/domain/search/indexed-terms.ts";
import { isTypoOf, typoVariants } from "../../../../src/domain/search/typo-variants.ts";

const written = (title: string, content: string) =>
  indexedTerms({ title, content }).map(({ lexeme, positions }) => [lexeme, ...positions].join(" "));

describe("indexedTerms", () => {
  it("has the words with their positions, their beginnings, and the words, beginnings and variants of the title", () => {
    const ofTitle = ["mouse 1 13", "^mous", "^mou", "=mouse", "=^mous", "=^mou"];
    const variants = ["~mouse", "~muse", "~mose", "~moue", "~mous"];
    const ofContent = ["a 10", "wi 11", "fi 12", "wifi 11 12", "^wif"];
    expect(written("Mouse", "A wi-fi mouse")).toEqual([...ofTitle, ...variants, ...ofContent]);
  });

  it("has the single characters of bigrams, and no beginnings of symbols", () => {
    const expected = ["東京 9", "^東", "^京", "京都 10", "^都", "c 11", "c++ 11"];
    expect(written("", "東京都 C++")).toEqual(expected);
  });

  it("has each lexeme once, with ascending positions within the bounds of a tsvector", () => {
    const text = array(string({ unit: "grapheme", maxLength: 6 })).map((words) => words.join(" -"));
    assert(
      property(text, text, (title, content) => {
        const terms = indexedTerms({ title, content });
        expect(new Set(terms.map(({ lexeme }) => lexeme)).size).toBe(terms.length);
        for (const { positions } of terms) expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b));
      }),
    );
    const [word] = indexedTerms({ title: "", content: "b ".repeat(30_000) });
    expect(word?.positions).toHaveLength(MAX_POSITIONS);
    const many = indexedTerms({
      title: "",
      content: Array.from({ length: 10_000 }, (_, n) => n.toString(36)).join(" "),
    });
    expect(Math.max(...many.flatMap(({ positions }) => positions))).toBeLessThanOrEqual(MAX_POSITION);
    expect(many.some(({ lexeme }) => lexeme === (9_999).toString(36))).toBe(true);
  });

  it("keeps the first 255 positions of a lexeme, the maximum of a tsvector in PostgreSQL", () => {
    const [word] = indexedTerms({ title: "", content: "b ".repeat(300) });
    const first = word?.positions[0] ?? 0;
    expect(word?.positions).toEqual(Array.from({ length: 255 }, (_, index) => first + index));
  });

  it("is bounded in bytes for a text of different words", () => {
    const content = Array.from({ length: 40_000 }, (_, n) => `${String.fromCodePoint(0x20000 + n)}\u0915${n}-x`).join(
      " ",
    );
    const bytes = indexedTerms({ title: "", content }).reduce(
      (sum, { lexeme, positions }) => sum + 8 + Buffer.byteLength(lexeme) + 2 * positions.length,
      0,
    );
    expect(bytes).toBeLessThanOrEqual(MAX_INDEXED_BYTES + 4_096);
  });
});

describe("isTypoOf", () => {
  it.each([
    ["mouse", "muose", true],
    ["mouse", "mose", true],
    ["mouse", "mousee", true],
    ["mouse", "moose", true],
    ["mouse", "house", false],
    ["mouse", "moooe", false],
    ["mouse", "mse", false],
    ["mouse", "mosxe", false],
    ["elephant", "elepahtn", true],
    ["kitchen", "kithcne", false],
    ["car", "cat", false],
    ["2025", "2026", false],
    ["kubernets", "kubernetes", true],
    ["kubrenets", "kubernetes", true],
    ["kubrnts", "kubernetes", false],
    ["книги", "книга", true],
  ])("compares %s with %s: %s", (word, other, expected) => {
    expect(isTypoOf(word, other)).toBe(expected);
  });

  it("implies a variant in common", () => {
    const letters = string({ unit: constantFrom("a", "b", "c", "d", "e", "f", "g"), minLength: 7, maxLength: 13 });
    const edit = tuple(integer({ min: 1, max: 13 }), constantFrom("", "x", "xx"), integer({ min: 0, max: 1 }));
    assert(
      property(letters, array(edit, { minLength: 1, maxLength: 2 }), (rest, edits) => {
        const word = `a${rest}`;
        const other = edits.reduce(
          (text, [at, added, removed]) => text.slice(0, at) + added + text.slice(at + removed),
          word,
        );
        if (!isTypoOf(word, other)) return;
        const variants = new Set(typoVariants(other));
        expect(typoVariants(word).some((variant) => variants.has(variant))).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });
});
