import { describe, expect, it } from "vitest";
import type { Id } from "../../../src/domain/shared/id.ts";
import { toPage } from "../../../src/domain/shared/page.ts";
import { FIRST_VERSION, nextVersion, parseVersion } from "../../../src/domain/shared/version.ts";

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
  const forward = (id: string, key: string | null = null) => ({
    direction: "forward" as const,
    key,
    id: id as Id<"Item">,
  });
  const backward = (id: string, key: string | null = null) => ({ ...forward(id, key), direction: "backward" as const });

  it("of a list that was read further holds the first items and goes on after the last of them", () => {
    expect(toPage([c, b, a], 2, null)).toEqual({ items: [c, b], next: forward("b"), previous: null });
  });

  it("that holds the rest of a list exactly is the last", () => {
    expect(toPage([c, b, a], 3, null)).toEqual({ items: [c, b, a], next: null, previous: null });
  });

  it("that was gone on to leads back to before its first item", () => {
    expect(toPage([b, a], 1, forward("c"))).toEqual({ items: [b], next: forward("b"), previous: backward("b") });
    expect(toPage([b, a], 2, forward("c"))).toEqual({ items: [b, a], next: null, previous: backward("b") });
  });

  it("that was gone back to is in the order of the list, and leads on after its last item", () => {
    expect(toPage([b, c], 1, backward("a"))).toEqual({ items: [b], next: forward("b"), previous: backward("b") });
    expect(toPage([b, c], 2, backward("a"))).toEqual({ items: [c, b], next: forward("b"), previous: null });
  });

  it("leads to places by what its list is sorted by", () => {
    const page = toPage([b, a], 1, forward("c", "key of c"), ({ id }) => `key of ${id}`);
    expect(page).toMatchObject({ next: forward("b", "key of b"), previous: backward("b", "key of b") });
  });

  it.each([
    ["of an empty list", null],
    ["past the last", forward("a")],
    ["past the first", backward("c")],
  ])("%s is empty and leads nowhere", (_, from) => {
    expect(toPage([], 3, from)).toEqual({ items: [], next: null, previous: null });
  });
});
