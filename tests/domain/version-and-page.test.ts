import { describe, expect, it } from "vitest";
import type { Id } from "../../src/domain/id.ts";
import { firstPage, pageOf } from "../../src/domain/page.ts";
import { FIRST_VERSION, nextVersion, parseVersion } from "../../src/domain/version.ts";

const item = (id: string) => ({ id: id as Id<"Item"> });

describe("Version", () => {
  it("begins at 1 and grows by 1", () => {
    expect(FIRST_VERSION).toBe(1);
    expect(nextVersion(FIRST_VERSION)).toBe(2);
    expect(nextVersion(nextVersion(FIRST_VERSION))).toBe(3);
  });

  it.each([1, 2, 1_000_000, Number.MAX_SAFE_INTEGER])("is read from %d", (raw) => {
    expect(parseVersion(raw)).toBe(raw);
  });

  it.each([0, -0, -1, 0.5, 1.5, NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER + 1])(
    "is not read from %d",
    (raw) => {
      expect(parseVersion(raw)).toBeNull();
    },
  );
});

describe("a page", () => {
  const [c, b, a] = [item("c"), item("b"), item("a")];

  it("of a list that was read further holds the first items and goes on after the last of them", () => {
    expect(firstPage([c, b, a], 2)).toEqual({ items: [c, b], next: "b" });
  });

  it("that holds the rest of a list exactly is the last", () => {
    expect(firstPage([c, b, a], 3)).toEqual({ items: [c, b, a], next: null });
  });

  it("with room to spare is the last", () => {
    expect(firstPage([c], 3)).toEqual({ items: [c], next: null });
  });

  it("of an empty list is empty and the last", () => {
    expect(firstPage([], 3)).toEqual({ items: [], next: null });
  });

  it("goes on after its last item when it is said to", () => {
    expect(pageOf([c, b], true)).toEqual({ items: [c, b], next: "b" });
    expect(pageOf([c, b], false)).toEqual({ items: [c, b], next: null });
  });

  it("with nothing in it has nothing to go on after", () => {
    expect(pageOf([], true)).toEqual({ items: [], next: null });
  });
});
