import { array, assert, constantFrom, oneof, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { analyse, MAX_ANALYSED_LENGTH, MAX_TOKENS } from "../../../../src/domain/search/text-analysis.ts";

const termsOf = (text: string) => analyse(text).map(({ term }) => term);
const setOf = (text: string) => new Set(termsOf(text));

/** Characters that interact: connectors, signs, marks of several scripts, and compatibility forms. */
const DIFFICULT =
  "a é ß İ ı ς ŉ - ' ’ _ . ++ # @ 1 ½ ² ﷺ ﬃ か ﾞ が 東 ㆒ ᄀ ᅡ ᆨ 가 ㄱ ㅏ ㄳ न ् ो ़ น ำ ໜ ゟ 🚀 🇩 👍🏽 \u0301 \u0327 \u0345 \u00ad \u200b \u200c \u200d \ufe0f ـ \ud800 \udc00";
const text = oneof(
  string({ unit: "binary" }),
  string({ unit: "grapheme" }),
  array(constantFrom(" ", "\n", ..."z".repeat(64).split("x"), ...DIFFICULT.split(" "))).map((parts) => parts.join("")),
);

describe("analyse", () => {
  it.each([
    ["Straße STRASSE STRAẞE", "strasse strasse strasse"],
    ["ÉCOLE école e\u0301cole", "ecole ecole ecole"],
    ["İstanbul ISTANBUL ıstanbul", "istanbul istanbul istanbul"],
    ["ΟΔΟΣ οδος", "οδοσ οδοσ"],
    ["КНИГА Ёлка", "книга елка"],
    ["Łódź Ærø þing œuvre", "lodz aero thing oeuvre"],
    ["ﬃ ½ m² ｆｕｌｌ Ⅳ", "ffi 1 2 m2 full iv"],
    ["Sil\u00adben a\u200bb", "silben a b"],
    ["e-mail", "e mail email"],
    ["don't don’t", "don t dont don t dont"],
    ["foo_bar __init__", "foo bar foobar init"],
    ["a.b.c", "a b ab c bc abc"],
    ["col·lecció a\u2010b a\u2011b", "col leccio colleccio a b ab a b ab"],
    ["a.b.c.d", "a b ab c bc d cd abcd"],
    ["a.b.c.d.e", "a b ab c bc d cd e de"],
    ["a--b a. b", "a b a b"],
    ["1.2.3", "1 2 12 3 23 123"],
    ["client/server COVID-19", "client server covid 19 covid19"],
    ["end.Next", "end next endnext"],
    ["C++ C++20 C# F# a++b", "c c++ c c++ 20 c c# f f# a b"],
    [".NET asp.net .5 ...and", "net .net asp net aspnet 5 and"],
    ["#tag @name a#b", "tag name a b"],
    ["🚀Launch ❤️ 👍🏽 👩‍👧", "🚀 launch ❤ 👍 👩 👧"],
    ["🇫🇷🇩🇪 🇫", "🇫🇷 🇩🇪"],
    ["™ © 5️⃣", "5"],
    ["東京都 京", "東京 京都 京"],
    ["iPhoneを買う", "iphone を買 買う"],
    ["ガラス ｶﾞﾗｽ", "カラ ラス カラ ラス"],
    ["학교를 \u1112\u1161\u11a8\u1100\u116d\u1105\u1173\u11af", "학교 교를 학교 교를"],
    ["ภาษา", "ภา าษ ษา"],
    ["हिन्दी", "हिन्दी"],
    ["كِتَابٌ كـــتاب ١٢", "كتاب كتاب 12"],
    ["صلى ﷺ", "صلى صلى الله عليه وسلم"],
    ["צה״ל שָׁלוֹם", "צה ל צהל שלום"],
    ["می\u200cخواهم", "می خواهم میخواهم"],
    ["“quoted” «words» lower—dash…", "quoted words lower dash"],
    [" - -- ' \u0301 \u200d ", ""],
  ])("splits %j into %j", (written, expected) => {
    expect(termsOf(written).join(" ")).toBe(expected);
  });

  it("keeps at most eight marks after a letter, and 64 characters of a word", () => {
    expect(termsOf(`न${"\u0941".repeat(20)}म`)).toEqual([`न${"\u0941".repeat(8)}म`]);
    expect(termsOf("ab".repeat(40))).toEqual(["ab".repeat(32)]);
    expect(termsOf("𝒳".repeat(40) + "é".repeat(40))).toEqual(["x".repeat(40) + "e".repeat(24)]);
  });

  it("gives the position, the span and the offsets of each term", () => {
    expect(analyse("An e-mail")).toEqual([
      { term: "an", start: 0, end: 2, position: 0, span: 1, kind: "word" },
      { term: "e", start: 3, end: 4, position: 1, span: 1, kind: "word" },
      { term: "mail", start: 5, end: 9, position: 2, span: 1, kind: "word" },
      { term: "email", start: 3, end: 9, position: 1, span: 2, kind: "joined" },
    ]);
    expect(analyse("e\u0301 C# 東京").map(({ start, end, position, kind }) => [start, end, position, kind])).toEqual([
      [0, 2, 0, "word"],
      [3, 4, 1, "word"],
      [3, 5, 1, "symbol"],
      [6, 8, 2, "bigram"],
    ]);
  });

  it("accepts every text, and its terms are in the text that they name", () => {
    assert(
      property(text, (written) => {
        for (const { term, start, end } of analyse(written)) {
          expect(start).toBeGreaterThanOrEqual(0);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(written.length);
          expect(setOf(written.slice(start, end))).toContain(term);
          expect(Array.from(term).length).toBeLessThanOrEqual(64);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("finds the same terms in its terms", () => {
    assert(
      property(text, (written) => {
        expect(setOf([...setOf(written)].join(" "))).toEqual(setOf(written));
      }),
      { numRuns: 2_000 },
    );
  });

  it("finds the same terms in upper case and in decomposed text", () => {
    assert(
      property(string({ unit: constantFrom(..."aéßçñøłжёώ東がक".split(""), " ", "-") }), (written) => {
        for (const other of [written.toUpperCase(), written.normalize("NFD"), written.normalize("NFC")]) {
          expect(setOf(other)).toEqual(setOf(written));
        }
      }),
    );
  });

  it("finds the words of two texts in the texts together", () => {
    assert(
      property(text, text, (one, other) => {
        expect(setOf(`${one} ${other}`)).toEqual(setOf([...setOf(one), ...setOf(other)].join(" ")));
      }),
    );
  });

  it.each([
    "a",
    "a ",
    "a-",
    "a.b",
    "é",
    "\u0301",
    "e\u0301",
    "か",
    "\u1100",
    "\u1161",
    "ﷺ",
    "½",
    "🚀",
    "🇩",
    "c++ ",
    "a#",
    "\ud800",
  ])("bounds the terms of %j, repeated to 1 MiB", (pattern) => {
    const tokens = analyse(pattern.repeat(Math.ceil(1_048_576 / pattern.length)));
    expect(tokens.length).toBeLessThanOrEqual(MAX_TOKENS);
    expect(tokens.every(({ term }) => term.length <= 128)).toBe(true);
    expect(tokens.every(({ end }) => end <= MAX_ANALYSED_LENGTH + 1)).toBe(true);
  });
});
