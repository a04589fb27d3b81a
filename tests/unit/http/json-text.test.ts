import { describe, expect, it } from "vitest";
import { keptJsonText } from "../../../src/interfaces/http/json-text.ts";

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
