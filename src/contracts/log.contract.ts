import { beforeEach, describe, expect, it } from "vitest";
import type { Log } from "../application/ports/log.ts";

export interface LogUnderTest {
  readonly log: Log;
  /** All text that the log has written. */
  readonly written: () => string;
}

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** Control characters other than the line feed, bidirectional controls, and separators of lines. */
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069\u2028\u2029]/;

const FORGED = "a\u001B[31m\r\n\u009B31m\u202E\u2028{}";

/**
 * The contract of a Log that writes all levels, without colours.
 *
 * @param isSilent Whether the log writes nothing.
 */
export function logContract(name: string, open: () => LogUnderTest, { isSilent = false } = {}): void {
  describe(`Log ${name}`, () => {
    let log: Log;
    let written: () => string;
    beforeEach(() => {
      ({ log, written } = open());
    });
    const lines = () => written().split("\n").slice(0, -1);

    it.each(LEVELS)("writes message and fields of %s in one line", (level) => {
      log[level]({ path: "/v1/posts", status: 404 }, "request");
      if (isSilent) return expect(written()).toBe("");
      expect(lines()).toHaveLength(1);
      for (const part of [level, "request", "path", "/v1/posts", "status", "404"])
        expect(written().toLowerCase()).toContain(part);
    });

    it("writes the calls in their order", () => {
      for (const level of LEVELS) log[level]({}, `event-${level}`);
      const order = lines().map((line) => /event-(\w+)/.exec(line)?.[1]);
      expect(order).toEqual(isSilent ? [] : LEVELS);
    });

    it("writes the message of an error and of its cause", () => {
      log.error({ error: new Error("the outer one", { cause: new Error("the inner one") }) }, "failed");
      if (isSilent) return expect(written()).toBe("");
      expect(written()).toContain("the outer one");
      expect(written()).toContain("the inner one");
    });

    it("escapes control characters, so that a value forges no line", () => {
      log.warn({ path: FORGED, nested: { [FORGED]: FORGED } }, FORGED);
      expect(lines()).toHaveLength(isSilent ? 0 : 1);
      expect(written()).not.toMatch(UNSAFE);
    });

    it("does not throw for values that JSON cannot hold, and continues to write", () => {
      const circular: Record<string, unknown> = { id: 1n, none: undefined, run: () => {}, symbol: Symbol("s") };
      circular["self"] = circular;
      log.error({ failure: circular, error: null }, "first");
      log.error({ failure: null, error: "no Error" }, "second");
      log.error({ failure: { kind: "storage_failure", cause: circular } }, "third");
      expect(lines()).toHaveLength(isSilent ? 0 : 3);
    });

    it("does not change the fields", () => {
      const fields = Object.freeze({ failure: Object.freeze({ kind: "a", cause: Object.freeze(new Error("b")) }) });
      expect(() => log.error(fields, "failed")).not.toThrow();
    });
  });
}
