import type { CreateUserError } from "../../application/users/create-user.ts";
import type { ChangeUserError } from "../../application/users/change-credentials.ts";
import type { ListUsersError } from "../../application/users/list-users.ts";
import type { InputRefused, PromptCancelled } from "./terminal.ts";
import type { DamageFound } from "./verify.ts";

/** The arguments are wrong: an unknown command or option, or one that is missing. `detail` is the text to show. */
export interface CommandLineInvalid {
  readonly kind: "command_line_invalid";
  readonly detail: string;
}

/** One of the operator's answers is invalid; `detail` has the reason. */
export interface AnswerRefused {
  readonly kind: "answer_refused";
  readonly answer: "name" | "email" | "password" | "user";
  readonly detail: string;
}

/** Why a command fails, apart from the database that it needs. */
export type CommandFailure =
  | CommandLineInvalid
  | AnswerRefused
  | InputRefused
  | PromptCancelled
  | DamageFound
  | CreateUserError
  | ListUsersError
  | ChangeUserError;
