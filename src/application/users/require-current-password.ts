import { ok, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { mustGiveCurrentPassword, type Actor } from "../../domain/access.ts";
import { parsePassword } from "../../domain/user/password.ts";
import type { User } from "../../domain/user/user.ts";
import type { PasswordHasher, PasswordHashingError } from "../ports/password-hasher.ts";

/** Users must send their current password to change their address or password, or to delete their account. */
export interface CurrentPasswordRequired {
  readonly kind: "current_password_required";
}

export interface WrongPassword {
  readonly kind: "wrong_password";
}

export type CurrentPasswordError = CurrentPasswordRequired | WrongPassword | PasswordHashingError;

/**
 * Checks the current password of an actor who changes their own account. Password hashing is slow by design, so the check
 * runs before a unit of work. The write then names the version of the user, which every change of the password increments,
 * so the check still holds.
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
