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

describe.each(SHELLS)("the completion script for %s", (shell) => {
  const isMissing = spawnSync(shell, ["--version"]).status !== 0;
  const why = isMissing ? ` (skipped: ${shell} is missing)` : "";

  it.skipIf(isMissing).each([
    ["quire ", ["serve", "user", "move", "reindex", "completion", "--version", "--help"]],
    ["quire us", ["user"]],
    ["quire user ", ["create", "list", "password", "role", "--help"]],
    ["quire user create --n", ["--name", "--new-database"]],
    ["quire user create --role ", ["author", "admin"]],
    ["quire user create --name user --role ad", ["admin"]],
    ["quire user role ada@example.org a", ["author", "admin"]],
    ["quire completion ", ["bash", "zsh", "--help"]],
    ["quire move --to doc", ["docs"]],
    ["quire post ", ["serve", "user", "move", "reindex", "completion", "--version", "--help"]],
  ])(`completes '%s'${why}`, async (line, words) => {
    expect(await offered(shell, line)).toEqual(words);
  });
});
