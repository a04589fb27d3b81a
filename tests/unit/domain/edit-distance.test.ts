import { describe, expect, it } from "vitest";
import { editDistance } from "../../../src/domain/shared/edit-distance.ts";

describe("editDistance", () => {
  it.each([
    ["same", "same", 2, 0],
    ["same", "smae", 2, 1],
    ["same", "sames", 2, 1],
    ["bcba", "cbaaab", 4, 4],
    ["bcba", "cbaaab", 2, 3],
    ["a", "abcdef", 2, 3],
  ])("of %j and %j up to %i is %i", (a, b, max, distance) => {
    expect(editDistance(Array.from(a), Array.from(b), max)).toBe(distance);
  });
});
