import * as fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { jsonText, keptJsonText, pageJsonText, type JsonText } from "../../../src/interfaces/http/json-text.ts";

describe("kept JSON", () => {
  it("is made once for a frozen object, and anew for one that could change", () => {
    let made = 0;
    const textOf = keptJsonText((post: { readonly title: string }) => {
      made++;
      return { title: post.title };
    });
    const [frozen, equal, other] = [Object.freeze({ title: "A" }), Object.freeze({ title: "A" }), { title: "A" }];
    for (const each of [frozen, frozen, equal, frozen]) expect(textOf(each)).toBe('{"title":"A"}');
    expect(made).toBe(2);
    for (const each of [other, other]) expect(textOf(each)).toBe('{"title":"A"}');
    expect(made).toBe(4);
  });
});

describe("the JSON of a page", () => {
  it("has the same bytes as the JSON of the whole page", () => {
    const items = fc.array(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), { maxLength: 4 });
    const page = fc.record(
      { nextCursor: fc.option(fc.string()), previousCursor: fc.option(fc.string()), total: fc.nat() },
      { requiredKeys: ["nextCursor", "previousCursor"], noNullPrototype: true },
    );
    fc.assert(
      fc.property(items, page, (presented, fields) => {
        const text = pageJsonText(presented.map(jsonText), fields);
        expect(text).toBe(JSON.stringify({ items: presented, ...fields }));
      }),
    );
  });

  it("has the type of the page", () => {
    const page = pageJsonText([jsonText({ id: "1" })], { total: 1 });
    expectTypeOf(page).toExtend<JsonText<{ items: { id: string }[]; total: number }>>();
    expectTypeOf(page).not.toExtend<JsonText<{ items: { id: number }[]; total: number }>>();
  });
});
