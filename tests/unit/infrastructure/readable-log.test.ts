import { describe, expect, it } from "vitest";
import { readableLine } from "../../../src/infrastructure/node/readable-log.ts";
import { visibleLines, visibleText } from "../../../src/infrastructure/node/visible-text.ts";

const TIME = "2026-11-29T10:06:38.073Z";
const line = (fields: object) => readableLine(JSON.stringify({ level: "info", time: TIME, ...fields }), false);

/** Control characters of a terminal, and characters that reorder text: C0, C1, bidirectional controls, separators, BOM. */
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
  it("writes one line with time, level, message and fields", () => {
    const fields = { method: "GET", path: "/v1/posts", status: 200, url: "a b", failure: { kind: "storage_full" } };
    expect(line({ ...fields, msg: "request" })).toBe(
      `10:06:38.073 INFO  request method=GET path=/v1/posts status=200 url="a b" failure={"kind":"storage_full"}\n`,
    );
  });

  it("writes the stack of an error in the following lines", () => {
    const error = { type: "Error", message: "it broke", stack: "Error: it broke\n    at a.ts:1\n    at b.ts:2" };
    expect(line({ error, msg: "request failed" })).toBe(
      '10:06:38.073 INFO  request failed error={"type":"Error","message":"it broke"}\n    Error: it broke\n    at a.ts:1\n    at b.ts:2\n',
    );
  });

  it("colours warnings and errors if colours are allowed", () => {
    const json = JSON.stringify({ level: "error", time: TIME, msg: "it broke" });
    expect(readableLine(json, true)).toBe("10:06:38.073 \u001B[31mERROR\u001B[39m it broke\n");
  });

  it.each(UNSAFE)("escapes %j in a field, a message and a stack", (unsafe) => {
    const shown = line({ path: `/${unsafe}/\r\nforged`, error: { stack: `Error: ${unsafe}\n at x` }, msg: unsafe });
    expect(shown).not.toContain(unsafe);
    expect(shown.trimEnd().split("\n")).toHaveLength(3);
  });
});

describe("visibleText", () => {
  it.each(UNSAFE)("escapes %j like JSON", (unsafe) => {
    expect(JSON.parse(`"${visibleText(unsafe)}"`)).toBe(unsafe);
  });

  it("keeps letters, marks, emoji and symbols of every language", () => {
    const text = "Grüße, 東京, שלום, e\u0301, 👩‍👩‍👧, №%$";
    expect(visibleText(text)).toBe(text);
  });

  it("escapes a lone surrogate", () => {
    expect(visibleText("a\uD83D")).toBe(String.raw`a\uD83D`);
  });

  it("keeps line breaks with visibleLines", () => {
    expect(visibleLines("a\u0085\nb\r\n")).toBe("a\\u0085\nb\\u000D\n");
  });
});
