import { expect } from "vitest";

interface AnyResult {
  isOk(): boolean;
  readonly value?: unknown;
  readonly error?: unknown;
}

function isResult(value: unknown): value is AnyResult {
  return typeof value === "object" && value !== null && "isOk" in value && "isErr" in value;
}

/** Makes `toEqual` compare two Results by their contents: an adapter may use its own copy of neverthrow. */
export function compareResultsByContent(): void {
  expect.addEqualityTesters([
    function areEqualResults(a, b, testers) {
      if (!isResult(a) || !isResult(b)) return undefined;
      if (a.isOk() !== b.isOk()) return false;
      return a.isOk() ? this.equals(a.value, b.value, testers) : this.equals(a.error, b.error, testers);
    },
  ]);
}
