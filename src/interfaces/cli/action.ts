import type { Result } from "neverthrow";
import type { CommandFailure } from "./command-failure.ts";

export type Outcome<Failure> = Result<unknown, CommandFailure | Failure>;

/** Turns a command that returns a Result into an action for commander. */
export type ActionOf<Failure> = <Args extends readonly unknown[]>(
  command: (...args: Args) => Promise<Outcome<Failure>>,
) => (...args: Args) => Promise<void>;
