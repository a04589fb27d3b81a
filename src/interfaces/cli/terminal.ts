import type { Result } from "neverthrow";

/** Standard input cannot be used; `detail` has the reason. */
export interface InputRefused {
  readonly kind: "input_refused";
  readonly detail: string;
}

/** The operator cancelled a prompt with Ctrl-C. */
export interface PromptCancelled {
  readonly kind: "prompt_cancelled";
}

/** Checks an answer. Returns the reason why it is invalid, or `undefined`. */
export type Check = (raw: string | undefined) => string | undefined;

/** The input and output of a command. */
export interface Terminal {
  /** Whether standard input is a terminal, so that the operator can answer prompts. */
  readonly isInteractive: boolean;
  /** Writes text, such as the help, to standard output. */
  write(text: string): void;
  /** Prints a line of the result on standard output; `false` if the reader has closed it, as `head` does. */
  print(line: string): boolean;
  /** The output for the progress of a long command. */
  readonly progress: ProgressOutput;
  /** Reads all of standard input as UTF-8. */
  readInput(): Promise<Result<string, InputRefused>>;
  /** Prompts until the answer passes the check. */
  prompt(message: string, check: Check): Promise<Result<string, PromptCancelled>>;
  /** Prompts for a new password twice, until both are the same. The password is not shown. */
  promptForNewPassword(check: Check): Promise<Result<string, PromptCancelled>>;
}

export interface ProgressOutput {
  readonly isTTY: boolean;
  write(text: string): unknown;
}
