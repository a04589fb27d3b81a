import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isDeeperThan } from "../../src/interfaces/http/json-body.ts";

/** The depth of a value as one would write it down: recursively, on the value and not on its text. */
function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

/** Strings and keys of what could confuse a reader of brackets. */
const aConfusingString = fc.string({
  unit: fc.constantFrom("[", "]", "{", "}", '"', "\\", "\\\\", '\\"', "u", "\n", "é"),
});

const { value: aValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "large", withCrossShrink: true },
    aConfusingString,
    tie("list"),
    tie("object"),
    fc.integer(),
  ),
  list: fc.array(tie("value"), { maxLength: 3 }),
  object: fc.dictionary(aConfusingString, tie("value"), { maxKeys: 3 }),
}));

describe("isDeeperThan", () => {
  it("agrees with the depth of the value that the text stands for", () => {
    fc.assert(
      fc.property(aValue, fc.nat(8), fc.constantFrom(undefined, 2, "\t"), (value, limit, space) => {
        expect(isDeeperThan(limit, JSON.stringify(value, null, space))).toBe(depthOf(value) > limit);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ["", 0, false],
    ["1", 0, false],
    ["[]", 0, true],
    ["[]", 1, false],
    ["{}", 0, true],
    ["[[],[]]", 2, false],
    ['[{"a":[]}]', 2, true],
    ['"[[["', 0, false],
    [String.raw`"\"[[["`, 0, false],
    [String.raw`["\\",[]]`, 1, true],
    [String.raw`{"[\\\"[":1}`, 1, false],
  ])("says of %j and a limit of %i: %s", (json, limit, expected) => {
    expect(isDeeperThan(limit, json)).toBe(expected);
  });

  it("stops at text of any length and depth, and does not overflow the stack", () => {
    expect(isDeeperThan(32, "[".repeat(5_000_000))).toBe(true);
    expect(isDeeperThan(32, "[]".repeat(1_000_000))).toBe(false);
  });
});
