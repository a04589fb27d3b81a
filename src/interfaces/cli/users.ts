import { err, ok, safeTry, type Result } from "neverthrow";
import type { AdministerUsers, UserReference } from "../../application/users/administer-users.ts";
import type { ListUsersError } from "../../application/users/list-users.ts";
import type { ChangeUserError } from "../../application/users/change-credentials.ts";
import type { UserProfile } from "../../domain/user/user-profile.ts";
import { parseEmailAddress } from "../../domain/user/email-address.ts";
import { parseId, type UserId } from "../../domain/shared/id.ts";
import type { Page, PageCursor } from "../../domain/shared/page.ts";
import { parsePassword } from "../../domain/user/password.ts";
import type { Role } from "../../domain/user/user.ts";
import { violationDetail } from "../violation-detail.ts";
import type { AnswerRefused, CommandLineInvalid } from "./command-failure.ts";
import { answerRefused } from "./create-user.ts";

/** Users that are read at a time, so that memory does not hold the whole list. */
const PAGE_SIZE = 100;

const ROLE_WIDTH = "author".length;

/** Prints a line; `false` if the reader has closed the output. */
export type Print = (line: string) => boolean;

/** Prints all users, newest first: as columns, or as one JSON object a line. */
export async function listUsers(
  operator: AdministerUsers,
  print: Print,
  format: "columns" | "json",
): Promise<Result<void, ListUsersError>> {
  return safeTry(async function* () {
    let from: PageCursor<UserId> | null = null;
    do {
      const page: Page<UserProfile> = yield* await operator.listUsers({ limit: PAGE_SIZE, from });
      for (const user of page.items) if (!print(format === "json" ? userJson(user) : columns(user))) return ok();
      from = page.next;
    } while (from !== null);
    return ok();
  });
}

function columns({ id, role, email, name }: UserProfile): string {
  return `${id}  ${(role ?? "").padEnd(ROLE_WIDTH)}  ${email ?? ""}  ${name}`;
}

/** A user as a JSON object, without the password hash. */
export function userJson({ id, email, name, role, createdAt }: UserProfile): string {
  return JSON.stringify({ id, email, name, role, createdAt });
}

/** Changes the password of a user and revokes the user's sessions. */
export async function setPassword(
  operator: AdministerUsers,
  reference: string,
  password: string,
): Promise<Result<UserProfile, AnswerRefused | ChangeUserError>> {
  return safeTry(async function* () {
    const named = yield* parseUserReference(reference);
    const newPassword = yield* parsePassword(password).mapErr(answerRefused("password"));
    const user = yield* await operator.findUser(named);
    yield* await operator.setPassword(user.id, newPassword);
    return ok(user);
  });
}

/** Gives a user a role. */
export async function setRole(
  operator: AdministerUsers,
  reference: string,
  role: Role,
): Promise<Result<UserProfile, AnswerRefused | ChangeUserError>> {
  return safeTry(async function* () {
    const named = yield* parseUserReference(reference);
    const user = yield* await operator.findUser(named);
    return operator.setRole(user.id, role);
  });
}

/** Checks a reference before the database is opened or a password is prompted for. */
export function checkReference(raw: string): Result<void, CommandLineInvalid> {
  const parsed = parseUserReference(raw);
  if (parsed.isOk()) return ok();
  return err({ kind: "command_line_invalid", detail: `error: invalid user: ${raw}. ${parsed.error.detail}` });
}

/** Parses an e-mail address or an id. */
function parseUserReference(raw: string): Result<UserReference, AnswerRefused> {
  const id = parseId<UserId>(raw);
  if (id.isOk()) return ok({ id: id.value });
  return parseEmailAddress(raw)
    .map((email) => ({ email }))
    .mapErr((violation) => ({ kind: "answer_refused", answer: "user", detail: violationDetail(violation) }));
}
