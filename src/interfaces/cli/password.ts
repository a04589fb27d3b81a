import { err, ok, type Result } from "neverthrow";
import { parsePassword } from "../../domain/user/password.ts";
import { violationDetail } from "../violation-detail.ts";
import type { CommandLineInvalid } from "./command-failure.ts";
import type { InputRefused, PromptCancelled, Terminal } from "./terminal.ts";

export interface PasswordOptions {
  readonly passwordStdin: boolean;
}

/** Reads a new password from standard input, or prompts for it. */
export async function readNewPassword(
  terminal: Terminal,
  { passwordStdin }: PasswordOptions,
): Promise<Result<string, InputRefused | PromptCancelled>> {
  if (!passwordStdin) return terminal.promptForNewPassword(problemOf);
  const read = await terminal.readInput();
  return read.map((text) => text.replace(/\r?\n$/, ""));
}

function problemOf(raw = ""): string | undefined {
  return parsePassword(raw).match(
    () => undefined,
    (violation) => violationDetail(violation),
  );
}

/** Fails if options are missing and there is no terminal to prompt for their values. */
export function requireInteractive(terminal: Terminal, missing: readonly string[]): Result<void, CommandLineInvalid> {
  if (missing.length === 0 || terminal.isInteractive) return ok();
  const detail = `error: standard input is not a terminal, so these options are required: ${missing.join(", ")}`;
  return err({ kind: "command_line_invalid", detail });
}
