import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { describe, expect, it } from "vitest";
import { CONFIG_VARIABLES } from "../../../src/bootstrap/config.ts";
import { EXIT } from "../../../src/bootstrap/exit-codes.ts";
import { runtimeProblem } from "../../../src/bootstrap/runtime-version.ts";

/** The exit code of a process that a signal ended is 128 plus the number of the signal. */
const SIGNALLED = (["SIGINT", "SIGTERM"] as const).map((signal) => 128 + constants.signals[signal]);

const COMMANDS = readFileSync("docs/commands.md", "utf8");

function documentedCodes(): number[] {
  const [, table = ""] = /\| exit code \|.*\n\|[-|]+\|\n((?:\|.*\n)+)/.exec(COMMANDS) ?? [];
  const rows = table.trimEnd().split("\n");
  return rows.flatMap((row) => row.split("|")[1]?.split(",").map(Number) ?? []);
}

describe("the table of exit codes in docs/commands.md", () => {
  it("has every exit code of the program and no other", () => {
    const codes = new Set([...Object.values(EXIT), ...SIGNALLED]);
    expect(documentedCodes().toSorted((a, b) => a - b)).toEqual([...codes].toSorted((a, b) => a - b));
  });
});

describe("the README", () => {
  it("names the oldest Node that the program accepts", () => {
    expect(readFileSync("README.md", "utf8")).toContain("Node ≥ 20.19");
    expect(runtimeProblem({ name: "Node.js", version: "20.18.0" })).toContain("20.19");
  });
});

/** The variables in the first column of the tables. */
const documented = () =>
  ["docs/configuration.md", "docs/postgresql.md"]
    .flatMap((file) => readFileSync(file, "utf8").split("\n"))
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`((?:QUIRE|DATABASE)_\w+|HOST|PORT)`/g)])
    .map(([, name]) => name);

const exemplary = () => [...readFileSync(".env.example", "utf8").matchAll(/^(\w+)=/gm)].map(([, name]) => name);

describe("the variables of the configuration", () => {
  it("are the variables of .env.example and of the documents", () => {
    const variables = new Set<string | undefined>(CONFIG_VARIABLES);
    expect(new Set(exemplary())).toEqual(variables);
    expect(new Set(documented())).toEqual(variables);
  });
});
