import { describe, expect, it } from "vitest";
import type { Id } from "../../../src/domain/shared/id.ts";
import { toPage } from "../../../src/domain/shared/page.ts";
import { FIRST_VERSION, nextVersion, parseVersion } from "../../../src/domain/shared/version.ts";

const item = (id: string) => ({ id: id as Id<"Item"> });

describe("Version", () => {
  it("begins at 1 and increases by 1", () => {
    expect(FIRST_VERSION).toBe(1);
    expect(nextVersion(FIRST_VERSION)).toBe(2);
    expect(nextVersion(nextVersion(FIRST_VERSION))).toBe(3);
  });

  it.each([1, 2, 1_000_000, Number.MAX_SAFE_INTEGER])("parses from %d", (raw) => {
    expect(parseVersion(raw)).toBe(raw);
  });

  it.each([0, -0, -1, 0.5, 1.5, NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER + 1])(
    "does not parse from %d",
    (raw) => {
      expect(parseVersion(raw)).toBeNull();
    },
  );
});

describe("toPage", () => {
  const [c, b, a] = [item("c"), item("b"), item("a")];
  const forward = (id: string, key: string | null = null) => ({
    direction: "forward" as const,
    key,
    id: id as Id<"Item">,
  });
  const backward = (id: string, key: string | null = null) => ({ ...forward(id, key), direction: "backward" as const });

  it("returns the first items and a next cursor after the last of them when there are more rows", () => {
    expect(toPage([c, b, a], 2, null)).toEqual({ items: [c, b], next: forward("b"), previous: null });
  });

  it("returns no next cursor when the page holds all rows", () => {
    expect(toPage([c, b, a], 3, null)).toEqual({ items: [c, b, a], next: null, previous: null });
  });

  it("returns a previous cursor before the first item of a page after a forward cursor", () => {
    expect(toPage([b, a], 1, forward("c"))).toEqual({ items: [b], next: forward("b"), previous: backward("b") });
    expect(toPage([b, a], 2, forward("c"))).toEqual({ items: [b, a], next: null, previous: backward("b") });
  });

  it("keeps the order of the list and returns a next cursor for a page before a backward cursor", () => {
    expect(toPage([b, c], 1, backward("a"))).toEqual({ items: [b], next: forward("b"), previous: backward("b") });
    expect(toPage([b, c], 2, backward("a"))).toEqual({ items: [c, b], next: forward("b"), previous: null });
  });

  it("puts the sort keys of the items into the cursors", () => {
    const page = toPage([b, a], 1, forward("c", "key of c"), ({ id }) => `key of ${id}`);
    expect(page).toMatchObject({ next: forward("b", "key of b"), previous: backward("b", "key of b") });
  });

  it.each([
    ["for an empty list", null],
    ["after the last item", forward("a")],
    ["before the first item", backward("c")],
  ])("returns an empty page without cursors %s", (_, from) => {
    expect(toPage([], 3, from)).toEqual({ items: [], next: null, previous: null });
  });
});
