import { describe, expect, it } from "vitest";
import { abortSource } from "../../../src/domain/shared/abort-signal.ts";

describe("abortSource", () => {
  it("makes a signal that is not aborted", () => {
    expect(abortSource().signal.aborted).toBe(false);
  });

  it("sets `aborted` before it calls the listeners", () => {
    const { signal, abort } = abortSource();
    const seen: boolean[] = [];
    signal.addEventListener("abort", () => seen.push(signal.aborted));
    abort();
    expect(seen).toEqual([true]);
  });

  it("calls each listener once when a listener aborts again", () => {
    const { signal, abort } = abortSource();
    const calls: string[] = [];
    signal.addEventListener("abort", () => {
      calls.push("first");
      if (calls.length < 10) abort();
    });
    signal.addEventListener("abort", () => calls.push("second"));
    abort();
    abort();
    expect(calls).toEqual(["first", "second"]);
  });

  it("does not call a listener that was removed", () => {
    const { signal, abort } = abortSource();
    const calls: string[] = [];
    const removed = () => void calls.push("removed");
    signal.addEventListener("abort", removed);
    signal.addEventListener("abort", () => calls.push("kept"));
    signal.removeEventListener("abort", removed);
    abort();
    expect(calls).toEqual(["kept"]);
  });
});
