import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { parseEnvFile, readEnvFile } from "../../../src/bootstrap/config/env-file.ts";

const variablesOf = (text: string) => Object.fromEntries(parseEnvFile(text).variables);
const problemsOf = (text: string) => parseEnvFile(text).problems.map(({ line, detail }) => `${line} ${detail}`);

describe("parseEnvFile", () => {
  it.each([
    ["an assignment", "PORT=1", { PORT: "1" }],
    ["white space around it", "  PORT =  1  ", { PORT: "1" }],
    ["an export", "export PORT=1", { PORT: "1" }],
    ["a comment, a blank line and a comment after a value", "# PORT=2\n\nPORT=1 # three", { PORT: "1" }],
    ["an empty value, and one that is a comment", "A=\nB=#c", { A: "", B: "" }],
    ["quotes of each kind", `A="a # b"\nB='c'\nC=\`d\` # e`, { A: "a # b", B: "c", C: "d" }],
    ["a value of several lines, and the next assignment", 'A="1\n2\n3"\nB=4', { A: "1\n2\n3", B: "4" }],
    [
      "an escaped line break in double quotes",
      String.raw`A="1\n2"` + "\n" + String.raw`B='1\n2'`,
      { A: "1\n2", B: String.raw`1\n2` },
    ],
    ["the last of two assignments", "A=1\nA=2", { A: "2" }],
    ["lines that end with CRLF", "A=1\r\nB=2\r\n", { A: "1", B: "2" }],
    ["a quote or an equals sign inside a value", `A=it's\nB=a=b`, { A: "it's", B: "a=b" }],
  ])("parses %s like Node", (_, text, variables) => {
    expect([variablesOf(text), problemsOf(text)]).toEqual([variables, []]);
    expect(parseEnv(text.replaceAll("\r", ""))).toEqual(variables);
  });

  it("parses the first line after a byte order mark, which Node drops", () => {
    expect(variablesOf("\uFEFFPORT=0\nHOST=::1")).toEqual({ PORT: "0", HOST: "::1" });
  });

  it.each([
    ["a colon for the equals sign", "A=1\nPORT: 0", "2 is not an assignment"],
    ["words", "JUST GARBAGE", "1 is not an assignment"],
    ["a missing name", "=1", "1 is not an assignment"],
    ["an unclosed quote", `A="secret\nB=1`, "1 opens a quote in the value of A but does not close it"],
    ["text after a quote", `A="secret" secret\nB=1`, "1 has text after the closing quote of A"],
    ["a # in a value without quotes", "A=1\nB=secret#secret", "2 has a # in the value of B: put the value in quotes"],
    ["a mistake after a value of several lines", `A="1\n2"\nsecret`, "3 is not an assignment"],
  ])("reports the line of %s without the value", (_, text, problem) => {
    expect(problemsOf(text)).toEqual([expect.stringContaining(problem)]);
    expect(problemsOf(text).join("\n")).not.toContain("secret");
  });

  it("reports all lines together", () => {
    expect(parseEnvFile("a b\nA=1\nc d\n\ne f").problems.map(({ line }) => line)).toEqual([1, 3, 5]);
  });

  it("parses empty values, which Node 22 and 24 join with the next line or with `export`", () => {
    expect(variablesOf("A=\nB = \nexport C=\nD=1")).toEqual({ A: "", B: "", C: "", D: "1" });
  });

  it("parses assignments of every form like Node", () => {
    const name = fc.stringMatching(/^[A-Z_][A-Z\d_]{0,8}$/);
    const bare = fc.stringMatching(/^[\w=+/:.@-]{1,12}$/);
    const quoted = fc.tuple(fc.constantFrom("'", "`", '"'), fc.stringMatching(/^[\w=# \n]{0,12}$/));
    const value = fc.oneof(
      bare,
      quoted.map(([quote, text]) => `${quote}${text}${quote}`),
    );
    const assignment = fc
      .tuple(
        fc.constantFrom("", "export ", "  "),
        name,
        fc.constantFrom("=", " = "),
        value,
        fc.constantFrom("", " # c"),
      )
      .map((parts) => parts.join(""));
    const line = fc.oneof(assignment, fc.constantFrom("", "# comment"));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const text = lines.join("\n");
        expect(problemsOf(text)).toEqual([]);
        expect(variablesOf(text)).toEqual({ ...parseEnv(text) });
      }),
    );
  });
});

describe("readEnvFile", () => {
  const directory = mkdtempSync(join(tmpdir(), "quire-env-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  it("returns null if there is no file", () => {
    expect(readEnvFile(join(directory, "absent"))._unsafeUnwrap()).toBeNull();
  });

  it("reports why a directory or a binary file cannot be read", () => {
    const [folder, bytes] = [join(directory, "folder"), join(directory, "bytes")];
    mkdirSync(folder);
    writeFileSync(bytes, Buffer.from([0x41, 0x3d, 0xff]));
    const details = [folder, bytes].map((path) => readEnvFile(path)._unsafeUnwrapErr().detail);
    expect(details).toEqual(["it is a directory", "it is not UTF-8"]);
  });
});
