import { ok, type Result } from "neverthrow";
import type { Check, InputRefused, PromptCancelled, Terminal } from "../../../src/interfaces/cli/terminal.ts";

interface FakeTerminalOptions {
  /** The text of standard input; `null` for an operator at a terminal. */
  readonly input?: string | null;
  /** The answers to the prompts, first to last. */
  readonly answers?: readonly Result<string, PromptCancelled>[];
  readonly read?: Result<string, InputRefused>;
}

/** A terminal that records the output of a command, and answers with the values of a test. */
export function fakeTerminal({ input = "", answers = [], read = ok(input ?? "") }: FakeTerminalOptions = {}) {
  const printed: string[] = [];
  const prompts: string[] = [];
  let output = "";
  const answer = async (message: string, check: Check) => {
    prompts.push(message);
    const next = answers[prompts.length - 1];
    if (next === undefined) throw new Error(`No answer to ${message}`);
    const problem = next.isOk() ? check(next.value) : undefined;
    if (problem !== undefined) throw new Error(`${message}: ${problem}`);
    return next;
  };
  const terminal: Terminal = {
    isInteractive: input === null,
    write: (text) => {
      output += text;
    },
    print: (line) => printed.push(line) > 0,
    progress: { isTTY: false, write: () => {} },
    readInput: async () => read,
    prompt: answer,
    promptForNewPassword: async (check) => answer("Password", check),
  };
  return { terminal, printed, prompts, output: () => output };
}
