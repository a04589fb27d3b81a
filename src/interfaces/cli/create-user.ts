import { safeTry, type Result } from "neverthrow";
import type { UseCases } from "../../application/application.ts";
import type { CreateUserError } from "../../application/users/create-user.ts";
import { parseEmailAddress } from "../../domain/user/email-address.ts";
import { parsePassword } from "../../domain/user/password.ts";
import { parseUserName, type Role, type User } from "../../domain/user/user.ts";
import type { Violation } from "../../domain/shared/violation.ts";
import { violationDetail } from "../violation-detail.ts";

/** What an operator typed for a new user. */
export interface CreateUserAnswers {
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

/** One of the answers is not accepted; `detail` tells the operator why. */
export interface AnswerRefused {
  readonly kind: "answer_refused";
  readonly answer: keyof CreateUserAnswers | "user";
  readonly detail: string;
}

const PARSERS = { name: parseUserName, email: parseEmailAddress, password: parsePassword };

/** What is wrong with an answer, so that a prompt can say it at once; `undefined` when nothing is. */
export function answerProblem(answer: keyof CreateUserAnswers, raw: string): string | undefined {
  return PARSERS[answer](raw).match(() => undefined, violationDetail);
}

/** Creates a user from an operator's answers. Fails with `answer_refused` for the first that is not accepted. */
export async function createUserFromAnswers(
  { createUser }: Pick<UseCases, "createUser">,
  { name, email, password }: CreateUserAnswers,
  role: Role,
): Promise<Result<User, AnswerRefused | CreateUserError>> {
  return safeTry(async function* () {
    const input = {
      name: yield* parseUserName(name).mapErr(answerRefused("name")),
      email: yield* parseEmailAddress(email).mapErr(answerRefused("email")),
      password: yield* parsePassword(password).mapErr(answerRefused("password")),
      role,
    };
    return createUser(input);
  });
}

/** Says of an answer why it is not accepted. */
export function answerRefused(answer: keyof CreateUserAnswers) {
  return (violation: Violation): AnswerRefused => ({
    kind: "answer_refused",
    answer,
    detail: violationDetail(violation),
  });
}
