import { ok, safeTry, type Result } from "neverthrow";
import type { CreateUserInput } from "../../application/users/create-user.ts";
import type { Violation } from "../../domain/shared/violation.ts";
import { parseEmailAddress } from "../../domain/user/email-address.ts";
import { parsePassword } from "../../domain/user/password.ts";
import { parseUserName } from "../../domain/user/user.ts";
import { violationDetail } from "../violation-detail.ts";
import type { AnswerRefused, CommandLineInvalid } from "./command-failure.ts";
import { readNewPassword, requireInteractive, type PasswordOptions } from "./password.ts";
import type { InputRefused, PromptCancelled, Terminal } from "./terminal.ts";

/** The input of an operator for a new user. */
export interface CreateUserAnswers {
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

type ParsedAnswers = Pick<CreateUserInput, "name" | "email" | "password">;

export interface CreateUserOptions extends PasswordOptions {
  readonly name?: string;
  readonly email?: string;
}

const PARSERS = { name: parseUserName, email: parseEmailAddress };

/** Prompts for the answers that the options leave out. */
export async function completeAnswers(
  terminal: Terminal,
  options: CreateUserOptions,
): Promise<Result<CreateUserAnswers, CommandLineInvalid | PromptCancelled | InputRefused>> {
  const { name, email, passwordStdin } = options;
  const missing = Object.entries({ "--email": email, "--name": name, "--password-stdin": passwordStdin || undefined })
    .filter(([, given]) => given === undefined)
    .map(([option]) => option);
  return safeTry(async function* () {
    yield* requireInteractive(terminal, missing);
    return ok({
      email: email ?? (yield* await terminal.prompt("E-mail address", check("email"))),
      name: name ?? (yield* await terminal.prompt("Name", check("name"))),
      password: yield* await readNewPassword(terminal, options),
    });
  });
}

function check(answer: keyof typeof PARSERS) {
  return (raw = "") =>
    PARSERS[answer](raw).match(
      () => undefined,
      (violation) => violationDetail(violation),
    );
}

/** Parses an operator's answers. Fails with `answer_refused` for the first invalid one. */
export function parseAnswers({ name, email, password }: CreateUserAnswers): Result<ParsedAnswers, AnswerRefused> {
  return safeTry(function* () {
    return ok({
      name: yield* parseUserName(name).mapErr(answerRefused("name")),
      email: yield* parseEmailAddress(email).mapErr(answerRefused("email")),
      password: yield* parsePassword(password).mapErr(answerRefused("password")),
    });
  });
}

/** Makes the failure of an invalid answer. */
export function answerRefused(answer: AnswerRefused["answer"]) {
  return (violation: Violation): AnswerRefused => ({
    kind: "answer_refused",
    answer,
    detail: violationDetail(violation),
  });
}
