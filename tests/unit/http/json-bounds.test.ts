import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { exceededBound, JSON_BOUNDS } from "../../../src/interfaces/http/middleware/json-bounds.ts";

/** The depth of a value, computed recursively on the value and not on its text. */
function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

/** Strings and keys with characters that could confuse a parser of brackets. */
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

/** The number of brackets, commas and colons in a value's JSON, computed like {@link depthOf}. */
function structureOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const values = Object.values(value);
  const colons = Array.isArray(value) ? 0 : values.length;
  return 2 + Math.max(0, values.length - 1) + colons + values.reduce<number>((sum, each) => sum + structureOf(each), 0);
}

const ANY = Number.MAX_SAFE_INTEGER;

describe("exceededBound", () => {
  it("agrees with the depth of the parsed value", () => {
    fc.assert(
      fc.property(aValue, fc.nat(8), fc.constantFrom(undefined, 2, "\t"), (value, maxDepth, space) => {
        const exceeded = exceededBound(JSON.stringify(value, null, space), { maxDepth, maxStructure: ANY });
        expect(exceeded).toBe(depthOf(value) > maxDepth ? "json_too_deep" : null);
      }),
      { numRuns: 1_000 },
    );
  });

  it("agrees with the brackets, commas and colons of the parsed value", () => {
    fc.assert(
      fc.property(aValue, fc.nat(30), fc.constantFrom(undefined, 2, "\t"), (value, maxStructure, space) => {
        const exceeded = exceededBound(JSON.stringify(value, null, space), { maxDepth: ANY, maxStructure });
        expect(exceeded).toBe(structureOf(value) > maxStructure ? "json_too_complex" : null);
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
  ])("finds that %j exceeds a depth of %i: %s", (json, maxDepth, isDeeper) => {
    expect(exceededBound(json, { maxDepth, maxStructure: ANY })).toBe(isDeeper ? "json_too_deep" : null);
  });

  it("allows any characters in strings", () => {
    const text = JSON.stringify({ content: '{["a",:]}\\"'.repeat(100_000) });
    expect(exceededBound(text, JSON_BOUNDS)).toBeNull();
  });

  it.each([
    ["fields", `{${Array.from({ length: 560_000 }, (_, i) => `"${i.toString(36)}":0`).join(",")}}`],
    ["arrays", `{"a":[${"[[]],".repeat(100_000)}0]}`],
    ["numbers", `[${"0,".repeat(3_000_000)}0]`],
    ["text that is not JSON", ":,".repeat(3_000_000)],
  ])("stops at the maximum of brackets, commas and colons for any number of %s", (_, json) => {
    const read = vi.spyOn(String.prototype, "charCodeAt");
    try {
      expect(exceededBound(json, JSON_BOUNDS)).toBe("json_too_complex");
      expect(read.mock.calls.length).toBeLessThan(10_000);
    } finally {
      read.mockRestore();
    }
  });

  it("stops at the maximum depth, and does not overflow the stack", () => {
    expect(exceededBound("[".repeat(5_000_000), JSON_BOUNDS)).toBe("json_too_deep");
  });
});
