import { prompt, promptForNewPassword } from "./prompts.ts";
import { readInput } from "./standard-input.ts";
import type { Terminal } from "./terminal.ts";

/**
 * The terminal of this process.
 *
 * @param visibleText Escapes the control characters of a line, line breaks included.
 */
export function processTerminal(visibleText: (line: string) => string): Terminal {
  const { stdin, stdout, stderr } = process;
  // A reader such as head may close the pipe early. That is no failure, and the database is still closed cleanly.
  stdout.on("error", (error) => {
    if (!("code" in error) || error.code !== "EPIPE") throw error;
  });
  return {
    isInteractive: stdin.isTTY,
    write: (text) => void stdout.write(text),
    print: (line) => {
      if (stdout.writable) stdout.write(`${visibleText(line)}\n`);
      return stdout.writable;
    },
    progress: stderr,
    readInput: async () => readInput(stdin),
    prompt,
    promptForNewPassword,
  };
}
