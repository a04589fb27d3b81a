import { log, password as promptHidden, text as promptText } from "@clack/prompts";
import { err, ok, type Result } from "neverthrow";
import type { Check, PromptCancelled } from "./terminal.ts";

/** Standard output is for the result of a command. */
const output = process.stderr;

export async function prompt(message: string, validate: Check): Promise<Result<string, PromptCancelled>> {
  return answerOf(await promptText({ message, validate, output }));
}

export async function promptForNewPassword(validate: Check): Promise<Result<string, PromptCancelled>> {
  for (;;) {
    const first = answerOf(await promptHidden({ message: "Password", validate, clearOnError: true, output }));
    if (first.isErr()) return first;
    const second = answerOf(await promptHidden({ message: "Repeat the password", clearOnError: true, output }));
    if (second.isErr() || second.value === first.value) return second;
    log.warn("The passwords differ. Enter both again.", { output });
  }
}

/** Clack returns a symbol for a cancelled prompt. */
function answerOf(answer: string | symbol): Result<string, PromptCancelled> {
  return typeof answer === "string" ? ok(answer) : err({ kind: "prompt_cancelled" });
}
