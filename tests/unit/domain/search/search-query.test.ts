import { describe, expect, it } from "vitest";
import { isPrefixForm, parseSearchQuery, type Clause } from "../../../../src/domain/search/search-query.ts";

/** `a b` are two words, `[a b]` is a phrase, `|` separates forms and `||` alternatives, `*` is a prefix. */
function written({ forms, isExcluded, isQuoted, isPrefix }: Clause): string {
  const form = forms.map((words) => (words.length > 1 ? `[${words.join(" ")}]` : words.join(""))).join("|");
  return `${isExcluded ? "-" : ""}${isQuoted ? '"' : ""}${form}${isPrefix ? "*" : ""}`;
}

const parsed = (raw: string) =>
  parseSearchQuery(raw)
    ._unsafeUnwrap()
    .alternatives.map((clauses) => clauses.map(written).join(" "))
    .join(" || ");

describe("parseSearchQuery", () => {
  it.each([
    ["Hello World", "hello world*"],
    ["word ", "word*"],
    ["a", "a"],
    ["a b", "a b"],
    ['"Hello World"', '"[hello world]'],
    ['say "hello world', 'say "[hello world]'],
    ["“hello world” now", '"[hello world] now*'],
    ['"don\'t panic"', '"[don t panic]|[dont panic]'],
    ["one -two", "one -two"],
    ['one -"two three"', 'one -"[two three]'],
    ["one -two-three", "one -[two three]|twothree"],
    ["one -🚀 -.net", "one -🚀 -.net"],
    ["holiday -🇩🇪", "holiday -🇩🇪"],
    ["one -https://a.example/b", "one -[https a example b]|[https aexample b]"],
    ["COVID-19", "[covid 19]|covid19*"],
    ["sha-256", "[sha 256]|sha256*"],
    ["event - loop", "event loop*"],
    ["git --amend", "git amend*"],
    ["a -> b", "a b"],
    ["one or two", "one || two*"],
    ["one OR two or three", "one || two || three*"],
    ["or", "or*"],
    ["or two", "or two*"],
    ["one or", "one or*"],
    ["one or or", "one || or*"],
    ['one "or" two', 'one "or two*'],
    ["To be or not to be", "to be || not to be*"],
    ["wi-fi", "[wi fi]|wifi*"],
    ["nginx.conf", "[nginx conf]|nginxconf*"],
    ["docs.example.org/guide", "[docs example org guide]|[docsexampleorg guide]*"],
    ["https://docs.example.org/guide?lang=en", "docs example org guide lang en*"],
    ["https://", "https*"],
    ["useState()", "usestate*"],
    ["one,two", "one two*"],
    ["std::vector", "[std vector]*"],
    ["C++", "c++"],
    ["C# or .NET", "c# || .net"],
    ["🚀", "🚀"],
    ["東京", "東京"],
    ["東京都", "[東京 京都]"],
    ["iPhoneを買う", "iphone [を買 買う]"],
    ["word word", "word word*"],
    ["one one two", "one two*"],
  ])("parses %j as %s", (raw, expected) => {
    expect(parsed(raw)).toBe(expected);
  });

  it.each([
    ["", "blank", null],
    [" \t", "blank", null],
    ["a".repeat(201), "too_long", 200],
    ["a\0", "nul_character", null],
    ['- "" (%) <&>', "without_words", null],
    ["\u0301 \u200d", "without_words", null],
    ["a ".repeat(17), "too_many_terms", 16],
    ["東".repeat(34), "too_many_terms", 16],
    ["東 ".repeat(17), "too_many_terms", 16],
    ["東,".repeat(17), "too_many_terms", 16],
    [`https://${"東".repeat(18)}`, "too_many_terms", 16],
  ])("rejects %j with %s", (raw, code, limit) => {
    expect(parseSearchQuery(raw)._unsafeUnwrapErr()).toEqual({ kind: "violation", code, limit });
  });

  it.each([
    "a ".repeat(16),
    "東".repeat(33),
    "東 ".repeat(16),
    "東,".repeat(16),
    "a".repeat(200),
    "- ".repeat(99) + "a",
  ])("accepts %j", (raw) => {
    expect(parseSearchQuery(raw).isOk()).toBe(true);
  });

  it("keeps the text without white space around it, and the words in their order", () => {
    expect(parseSearchQuery(" To be OR not ")._unsafeUnwrap()).toMatchObject({
      text: "To be OR not",
      words: ["to", "be", "or", "not"],
    });
    expect(parseSearchQuery("one -two")._unsafeUnwrap().words).toEqual([]);
  });
});

describe("isPrefixForm", () => {
  it.each([
    ["micro", [["micro"]]],
    ["node.js", [["nodejs"]]],
    ['"node js"', []],
    ["node ", [["node"]]],
  ])("completes of the last word %j only the forms %j", (raw, completed) => {
    const [[clause] = []] = parseSearchQuery(raw)._unsafeUnwrap().alternatives;
    expect(clause?.forms.filter((form) => isPrefixForm(clause, form))).toEqual(completed);
  });
});
