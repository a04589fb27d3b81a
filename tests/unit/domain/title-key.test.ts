import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isStoredTitle, parsePostTitle, type PostTitle } from "../../../src/domain/post/post.ts";
import { MAX_TITLE_KEY_LENGTH, titleSortKey } from "../../../src/domain/post/title-key.ts";

const keyOf = (title: string) => titleSortKey(title as PostTitle);
/** UTF-8 sorts by code points, as PostgreSQL's collation "C" does. */
const compare = (a: string, b: string) => Buffer.compare(Buffer.from(keyOf(a)), Buffer.from(keyOf(b)));

const anyTitle = fc.string({ unit: "binary", minLength: 1, maxLength: 300 }).filter(isStoredTitle);

describe("the sort key of a title", () => {
  it("orders titles as readers expect them", () => {
    const titles = ["Banana", "Post 10", "Post 9", "Zebra", "apple", "zoo", "Äpfel", "Öl", "éclair"];
    const expected = ["Äpfel", "apple", "Banana", "éclair", "Öl", "Post 9", "Post 10", "Zebra", "zoo"];
    expect(titles.toSorted(compare)).toEqual(expected);
  });

  it.each([
    ["numbers by their value", ["1", "2", "10", "99", "100", "99999999", "100000000", "1".repeat(20)]],
    ["the ten digits by their value", Array.from("0123456789")],
    ["the ten digits of another script by their value", Array.from("٠١٢٣٤٥٦٧٨٩")],
    [
      "the ten digits of a script whose digits follow those of another",
      Array.from({ length: 10 }, (_, value) => String.fromCodePoint(0x116da + value)),
    ],
    ["numbers before letters and after spaces", ["Post", "Post 1", "Post 9a", "Post 9b", "Post a"]],
    ["versions by each of their numbers", ["1.2", "1.9.9", "1.10", "2.0"]],
    ["words after their prefixes", ["a", "a b", "ab"]],
    ["Hangul syllables as in a dictionary", ["가나", "각", "나"]],
    ["vowel signs as letters", ["\u0915\u093e", "\u0915\u093f", "\u0916"]],
    ["emoji after letters", ["z", "я", "\u{1F99C} parrots"]],
  ])("orders %s", (_, titles) => {
    expect(titles.toReversed().toSorted(compare)).toEqual(titles);
  });

  it.each([
    ["case", "HELLO World", "hello wORLD"],
    ["accents", "résumé", "resume"],
    ["composed and decomposed accents", "re\u0301sume\u0301", "résumé"],
    ["sharp s", "Straße", "STRASSE"],
    ["dotted and dotless i", "İstanbul ı", "istanbul i"],
    ["a sigma at the end of a word", "ΟΔΟΣ", "οδοσ"],
    ["letters with a stroke and ligatures", "Łódź Øre Æon Œuvre Đà Ðe Ħal Þor", "lodz ore aeon oeuvre da de hal thor"],
    ["full and half width", "ＡＢＣ １２", "abc 12"],
    ["vowel points", "\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd", "\u05e9\u05dc\u05d5\u05dd"],
    ["soft hyphens and joiners", "co\u00adop\u200b", "coop"],
    ["white space", "  a\u00a0 \t b ", "a b"],
    ["leading punctuation", "«¿(Hello", "hello"],
    ["leading zeros", "Post 007", "Post 7"],
    ["digits of another script", "\u0661\u0662 \u0967\u0968 \u{1E5F3}", "12 12 2"],
  ])("ignores differences in %s", (_, a, b) => {
    expect(keyOf(a)).toBe(keyOf(b));
  });

  it.each(["...", "\u0301", "\u200b", " ", "\u0001"])("is the title itself for %j, which has no letters", (title) => {
    expect(keyOf(title)).toBe(title);
  });

  it("is within the bounds of a stored title for every title", () => {
    fc.assert(
      fc.property(anyTitle, (title) => {
        expect(isStoredTitle(keyOf(title))).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ["characters that NFKD expands to 18", "\ufdfa".repeat(300)],
    ["characters outside the Basic Multilingual Plane", "\u{1F99C}".repeat(300)],
    ["numbers of one digit", "1 ".repeat(150)],
    ["digits of one number", "9".repeat(300)],
    ["accents on one letter", `a${"\u0301".repeat(299)}`],
  ])("does not exceed the maximum length for a title of %s", (_, title) => {
    expect(Array.from(keyOf(title)).length).toBeLessThanOrEqual(MAX_TITLE_KEY_LENGTH);
    expect(keyOf(title).isWellFormed()).toBe(true);
  });

  it("orders whole numbers by their value inside any text", () => {
    const number = fc.bigInt({ min: 0n, max: 10n ** 40n });
    const around = fc.constantFrom("", "a", "Post ", "é ", ".");
    const property = fc.property(number, number, around, around, (a, b, before, after) => {
      const [first, second] = [`${before}${a}${after}`, `${before}${b}${after}`];
      expect(Math.sign(compare(first, second))).toBe(a < b ? -1 : a > b ? 1 : 0);
    });
    fc.assert(property);
  });

  it("is the same for a title in upper and in lower case", () => {
    const property = fc.property(fc.string({ unit: fc.constantFrom(...Array.from("aéßœ９i 7.")) }), (title) => {
      expect(keyOf(title.toUpperCase())).toBe(keyOf(title.toLowerCase()));
    });
    fc.assert(property);
  });

  it("is its own key, apart from numbers", () => {
    const property = fc.property(anyTitle, (title) => {
      fc.pre(parsePostTitle(title).isOk() && !/\p{N}/u.test(title.normalize("NFKD")));
      expect(keyOf(keyOf(title))).toBe(keyOf(title));
    });
    fc.assert(property);
  });
});
