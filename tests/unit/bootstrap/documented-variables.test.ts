import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { describe, expect, it } from "vitest";
import { CONFIG_VARIABLES } from "../../../src/bootstrap/config.ts";
import { EXIT } from "../../../src/bootstrap/exit-codes.ts";
import { nodeProblem } from "../../../src/bootstrap/node-version.ts";

/** What a process ends with that a signal has ended at once: 128 and the signal's number. */
const SIGNALLED = (["SIGINT", "SIGTERM"] as const).map((signal) => 128 + constants.signals[signal]);

const README = readFileSync("README.md", "utf8");

function documentedCodes(): number[] {
  const [, table = ""] = /\| exit code \|.*\n\|[-|]+\|\n((?:\|.*\n)+)/.exec(README) ?? [];
  const rows = table.trimEnd().split("\n");
  return rows.flatMap((row) => row.split("|")[1]?.split(",").map(Number) ?? []);
}

describe("the table of exit codes in the README", () => {
  it("has every code that the program ends with, and no other", () => {
    const codes = new Set([...Object.values(EXIT), ...SIGNALLED]);
    expect(documentedCodes().toSorted((a, b) => a - b)).toEqual([...codes].toSorted((a, b) => a - b));
  });

  it("names the Node that the program asks for", () => {
    expect(README).toContain("Node ≥ 20.19");
    expect(nodeProblem("20.18.0")).toContain("20.19");
  });
});

/** The names in the first column of the tables that have a variable in it, and those of a file of settings. */
const documented = () =>
  ["README.md", "docs/postgresql.md"]
    .flatMap((file) => readFileSync(file, "utf8").split("\n"))
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`((?:QUIRE|DATABASE)_\w+|HOST|PORT)`/g)])
    .map(([, name]) => name);

const exemplary = () => [...readFileSync(".env.example", "utf8").matchAll(/^(\w+)=/gm)].map(([, name]) => name);

describe("the variables of the configuration", () => {
  it("are all in .env.example and in the documents, and no others are", () => {
    const variables = new Set<string | undefined>(CONFIG_VARIABLES);
    expect(new Set(exemplary())).toEqual(variables);
    expect(new Set(documented())).toEqual(variables);
  });
});
