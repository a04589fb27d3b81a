import { describe, expect, it } from "vitest";
import { readableLine } from "../../../src/infrastructure/node/readable-log.ts";
import { visibleLines, visibleText } from "../../../src/infrastructure/node/visible-text.ts";

const TIME = "2026-11-29T10:06:38.073Z";
const line = (fields: object) => readableLine(JSON.stringify({ level: "info", time: TIME, ...fields }), false);

/** What a terminal obeys, and what changes the order of text: C0, C1, bidirectional controls, separators, BOM. */
const UNSAFE = [
  "\u001B[31m",
  "\u009B31m",
  "\u0085",
  "\u007F",
  "\u0007",
  "\u202E",
  "\u2066",
  "\u200F",
  "\u2028",
  "\uFEFF",
];

describe("readableLine", () => {
  it("is one line with time, level, message and fields", () => {
    const fields = { method: "GET", path: "/v1/posts", status: 200, url: "a b", failure: { kind: "storage_full" } };
    expect(line({ ...fields, msg: "request" })).toBe(
      `10:06:38.073 INFO  request method=GET path=/v1/posts status=200 url="a b" failure={"kind":"storage_full"}\n`,
    );
  });

  it("shows the stack of an error in lines behind it", () => {
    const error = { type: "Error", message: "it broke", stack: "Error: it broke\n    at a.ts:1\n    at b.ts:2" };
    expect(line({ error, msg: "request failed" })).toBe(
      '10:06:38.073 INFO  request failed error={"type":"Error","message":"it broke"}\n    Error: it broke\n    at a.ts:1\n    at b.ts:2\n',
    );
  });

  it("colours the levels that somebody must look at, where the terminal may have colours", () => {
    const json = JSON.stringify({ level: "error", time: TIME, msg: "it broke" });
    expect(readableLine(json, true)).toBe("10:06:38.073 \u001B[31mERROR\u001B[39m it broke\n");
  });

  it.each(UNSAFE)("shows %j as an escape, in a field, a message and a stack", (unsafe) => {
    const shown = line({ path: `/${unsafe}/\r\nforged`, error: { stack: `Error: ${unsafe}\n at x` }, msg: unsafe });
    expect(shown).not.toContain(unsafe);
    expect(shown.trimEnd().split("\n")).toHaveLength(3);
  });
});

describe("visibleText", () => {
  it.each(UNSAFE)("writes %j as JSON would escape it", (unsafe) => {
    expect(JSON.parse(`"${visibleText(unsafe)}"`)).toBe(unsafe);
  });

  it("leaves letters, marks, emoji and symbols of every language alone", () => {
    const text = "Grüße, 東京, שלום, e\u0301, 👩‍👩‍👧, №%$";
    expect(visibleText(text)).toBe(text);
  });

  it("writes half of a character as an escape", () => {
    expect(visibleText("a\uD83D")).toBe(String.raw`a\uD83D`);
  });

  it("keeps the breaks between lines where they are asked for", () => {
    expect(visibleLines("a\u0085\nb\r\n")).toBe("a\\u0085\nb\\u000D\n");
  });
});
