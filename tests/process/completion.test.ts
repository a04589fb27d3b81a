import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { fakeTerminal } from "../unit/cli/fake-terminal.ts";
import { runCommandLine } from "../../src/bootstrap/run-command-line.ts";
import { SHELLS, type Shell } from "../../src/interfaces/cli/completion.ts";

/** The options that bashcompinit of zsh sets when it calls a completion function. */
const ZSH_OPTIONS = "emulate sh; setopt kshglob noshglob braceexpand nokshautoload";

/** The words that a shell offers after a line, of which the last word is unfinished. */
async function offered(shell: Shell, line: string): Promise<readonly string[]> {
  const { terminal, output } = fakeTerminal();
  expect((await runCommandLine(["node", "quire", "completion", shell], terminal)).isOk()).toBe(true);
  const words = line.split(" ");
  const current = words.at(-1) ?? "";
  const call = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _quire`;
  const setUp = shell === "zsh" ? `${ZSH_OPTIONS}; PREFIX='${current}'` : ":";
  const script = `${output()}\n${setUp}\n${call}\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync(shell, ["-c", script], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  // zsh compares the offered words with the unfinished one after the function.
  return stdout.split("\n").filter((word) => word !== "" && word.startsWith(current));
}

const COMMANDS = [
  "serve",
  "user",
  "backup",
  "restore",
  "verify",
  "compact",
  "upgrade",
  "move",
  "reindex",
  "completion",
  "--version",
  "--help",
];

/** Unfinished lines, and the words that can follow. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  "quire ": COMMANDS,
  "quire us": ["user"],
  "quire upgrade --p": ["--pglite"],
  "quire user ": ["create", "list", "password", "role", "--help"],
  "quire user create --n": ["--name", "--new-database"],
  "quire user create --role ": ["author", "admin"],
  "quire user create --name user --role ad": ["admin"],
  "quire user role ada@example.org a": ["author", "admin"],
  "quire completion ": ["bash", "zsh", "--help"],
  "quire move --to doc": ["docs"],
  "quire post ": COMMANDS,
};

describe("the completion script", () => {
  for (const shell of SHELLS) {
    const isMissing = spawnSync(shell, ["--version"]).status !== 0;
    const why = isMissing ? ` (skipped: ${shell} is missing)` : "";
    it.skipIf(isMissing)(`completes commands, options, values and directories in ${shell}${why}`, async () => {
      const lines = Object.keys(LINES);
      const words = await Promise.all(lines.map(async (line) => [line, await offered(shell, line)] as const));
      expect(Object.fromEntries(words)).toEqual(LINES);
    });
  }
});
