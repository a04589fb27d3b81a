import { array, assert, constantFrom, property, string, oneof } from "fast-check";
import { describe, expect, it } from "vitest";
import { excerptOf } from "../../../../src/domain/search/excerpt.ts";
import { parseSearchQuery } from "../../../../src/domain/search/search-query.ts";
import { analyse } from "../../../../src/domain/search/text-analysis.ts";

const partsOf = (content: string, query: string) => excerptOf(content, parseSearchQuery(query)._unsafeUnwrap());
const written = (content: string, query: string) =>
  partsOf(content, query)
    .map(({ text, isMatch }) => (isMatch ? `[${text}]` : text))
    .join("");
/** Numbered words, so that an excerpt shows where it is from. */
const filler = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `w${from + n}`).join(" ");

describe("excerptOf", () => {
  it.each([
    ["An engine.", "ENGINE", "An [engine]."],
    ["An engine's parts, the engines", "engine", "An [engine]'s parts, the [engines]"],
    ["An engine's parts", "engines engine", "An [engine's] parts"],
    ["Send an e-mail or an email", "email", "Send an [e-mail] or an [email]"],
    ["Send an e-mail or an email", "e-mail", "Send an [e-mail] or an [email]"],
    ["the event loop, an event", '"event loop"', "the [event] [loop], an event"],
    ["etc/nginxy/nginx, etc/nginx/nginx", "etc/nginx/ngin", "etc/nginxy/nginx, [etc]/[nginx]/[nginx]"],
    ["one two three", "one -two three", "[one] two [three]"],
    ["one two three", "one or three", "[one] two [three]"],
    ["Cafe\u0301 CAFÉ cafe", "café", "[Cafe\u0301] [CAFÉ] [cafe]"],
    ["東京都は京都", "京都", "東[京都]は[京都]"],
    ["東京都は京都", "京", "東[京]都は[京]都"],
    ["人と人人。", "人", "[人]と[人人]。"],
    ["ガラスとｶﾞﾗｽ", "ガ", "[ガ]ラスと[ｶﾞ]ﾗｽ"],
    ["Golang# or golangs", "gola", "[Golang]# or [golangs]"],
    ["C, C++ and C#", "c++", "C, [C++] and C#"],
    ["👍🏻 and 👍🏿", "👍", "[👍🏻] and [👍🏿]"],
    ["Nothing here", "engine", "Nothing here"],
    ["", "engine", ""],
  ])("of %j for %j is %j", (content, query, expected) => {
    expect(written(content, query)).toBe(expected);
  });

  it("begins a few words before the first match, and has about 25 words", () => {
    const excerpt = written(`${filler(0, 100)} engine ${filler(100, 200)}`, "engine");
    expect(excerpt).toBe(`${filler(94, 100)} [engine] ${filler(100, 118)}`);
  });

  it("has two fragments, if matches are far from each other", () => {
    const excerpt = written(`engine ${filler(0, 100)} engine ${filler(100, 200)}`, "engine");
    expect(excerpt).toBe(`[engine] ${filler(0, 24)} … ${filler(94, 100)} [engine] ${filler(100, 118)}`);
  });

  it("does not begin or end inside of a connected word", () => {
    expect(written(`${filler(0, 50)} don't a b c d e engine ${filler(50, 100)}`, "engine")).toBe(
      `don't a b c d e [engine] ${filler(50, 68)}`,
    );
    expect(written(`engine ${filler(0, 23)} don't ${filler(23, 100)}`, "engine")).toBe(
      `[engine] ${filler(0, 23)} don't`,
    );
  });

  it("joins two fragments that touch each other", () => {
    const excerpt = written(`engine ${filler(0, 26)} engine ${filler(26, 200)}`, "engine");
    expect(excerpt).toBe(`[engine] ${filler(0, 26)} [engine] ${filler(26, 48)}`);
  });

  it("is the beginning of a long content without a match", () => {
    expect(written(filler(0, 5_000), "engine")).toBe(filler(0, 25));
  });

  it("finds a match far from the beginning", () => {
    expect(written(`${filler(0, 12_000)} engine.`, "engine")).toBe(`${filler(11_994, 12_000)} [engine].`);
    expect(written(`${filler(0, 1_000)} Maschinenöl.`, "maschinenöl")).toContain("[Maschinenöl]");
  });

  it.each([2_044, 4_092])("finds a match at %i code units, where an analysed part of the content ends", (at) => {
    for (const word of ["engine", "engineöl"]) {
      expect(written(`${"- ".repeat(at / 2)}${word}.`, word)).toContain(`[${word}]`);
    }
  });

  it("marks no end of a longer word where the analysed part of the content begins", () => {
    const contents = [
      `${filler(0, 1_000)} bobcat ${"x ".repeat(73)}cat.`,
      `${"東".repeat(3_000)}bobcat${"京".repeat(146)} cat.`,
    ];
    for (const content of contents) {
      expect(partsOf(content, "cat").filter(({ isMatch }) => isMatch)).toHaveLength(1);
    }
  });

  it("begins at most 150 code units before the first match, inside of a longer word", () => {
    expect(written(`${"x".repeat(1_000)} engine.`, "engine")).toBe(`${"x".repeat(149)} [engine].`);
  });

  it("is bounded for a content without white space", () => {
    for (const pattern of ["x", "x𝒳", "東", "👍🏽", "e\u0301", "-", "\u0301", "engine"]) {
      const text = partsOf(pattern.repeat(100_000), "engine")
        .map((part) => part.text)
        .join("");
      expect(text.length).toBeLessThanOrEqual(1_100);
      expect(text.isWellFormed()).toBe(true);
    }
  });

  it("is parts of the content, with every match marked", () => {
    const words = "engine engines loop e-mail email 東京都 京都 don't C++ Café 👍🏽 one two three four".split(" ");
    const text = array(oneof(constantFrom(...words), string({ unit: "grapheme", maxLength: 5 })), { maxLength: 150 });
    const queries = ["engine", "email", "e-mail", "京都", "cafe", "c++", "one or two", "don't"];
    assert(
      property(text, constantFrom(...queries), (content, query) => {
        const joined = content.join(" ");
        const parts = partsOf(joined, query);
        const whole = parts.map((part) => part.text).join("");
        for (const fragment of whole.split(" … ")) expect(joined).toContain(fragment);
        const terms = new Set(
          parseSearchQuery(query)
            ._unsafeUnwrap()
            .alternatives.flat()
            .flatMap(({ forms }) => forms.filter(({ length }) => length === 1).flat()),
        );
        for (const { text: unmarked } of parts.filter(({ isMatch }) => !isMatch)) {
          expect(analyse(unmarked).filter(({ term }) => terms.has(term))).toEqual([]);
        }
        for (const { text: marked } of parts.filter(({ isMatch }) => isMatch)) expect(analyse(marked)).not.toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
