import { ok, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { mustGiveCurrentPassword, type Actor } from "../../domain/access.ts";
import { parsePassword } from "../../domain/user/password.ts";
import type { User } from "../../domain/user/user.ts";
import type { PasswordHasher, PasswordHashingError } from "../ports/password-hasher.ts";

/** Users who change how they log in, or delete themselves, must give the password that they have. */
export interface CurrentPasswordRequired {
  readonly kind: "current_password_required";
}

export interface WrongPassword {
  readonly kind: "wrong_password";
}

export type CurrentPasswordError = CurrentPasswordRequired | WrongPassword | PasswordHashingError;

/**
 * Sees that an actor who acts for themselves knows their password. Hashing is slow on purpose, so it comes before a unit of
 * work and not in it: the version of the user, which a change of password moves on, says that the outcome still holds.
 */
export async function requireCurrentPassword(
  hasher: PasswordHasher,
  actor: Actor,
  user: User,
  given: string | undefined,
): Promise<Result<void, CurrentPasswordError>> {
  if (!mustGiveCurrentPassword(actor, user.id)) return ok();
  if (given === undefined) return fail({ kind: "current_password_required" });
  const password = parsePassword(given);
  if (password.isErr()) return fail({ kind: "wrong_password" });
  const verdict = await hasher.verify(password.value, user.passwordHash);
  return verdict.andThen((answer) => (answer === "mismatch" ? fail({ kind: "wrong_password" }) : ok()));
}
