import { ok, safeTry, type Result } from "neverthrow";
import { fail } from "../../domain/fail.ts";
import { mayActFor, type Actor, type Forbidden } from "../../domain/access.ts";
import type { UserId } from "../../domain/id.ts";
import { parsePassword, type Password } from "../../domain/password.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import { changeUser, type User } from "../../domain/user.ts";
import type { EmailTaken, UserNotFound, UserRepository } from "../../domain/user-repository.ts";
import type { VersionConflict } from "../../domain/version.ts";
import { retryLostRaces } from "../optimistic-concurrency.ts";
import type { Clock } from "../ports/clock.ts";
import type { PasswordHasher, PasswordHashingError } from "../ports/password-hasher.ts";
import type { UnitOfWork } from "../ports/unit-of-work.ts";

/** Users who change their own password must give the one they have. */
export interface CurrentPasswordRequired {
  readonly kind: "current_password_required";
}

export interface WrongPassword {
  readonly kind: "wrong_password";
}

export interface ChangePasswordInput {
  readonly id: UserId;
  readonly currentPassword: string | null;
  readonly newPassword: Password;
}

export type ChangePasswordError =
  | UserNotFound
  | Forbidden
  | CurrentPasswordRequired
  | WrongPassword
  | EmailTaken
  | VersionConflict
  | PasswordHashingError
  | StorageFailure;

export interface ChangePasswordDependencies {
  readonly users: UserRepository;
  readonly unitOfWork: UnitOfWork;
  readonly hasher: PasswordHasher;
  readonly clock: Clock;
}

/**
 * Changes a password and ends the user's sessions, but for the one that asked. An admin changes another user's
 * password without knowing it.
 */
export function changePassword({ users, unitOfWork, hasher, clock }: ChangePasswordDependencies) {
  return async (actor: Actor, input: ChangePasswordInput): Promise<Result<void, ChangePasswordError>> =>
    retryLostRaces<void, ChangePasswordError>(async () =>
      safeTry(async function* () {
        const user = yield* await users.findById(input.id);
        if (!mayActFor(actor, user.id)) return fail({ kind: "forbidden" });
        const own = actor.userId === user.id;
        if (own) yield* await requireCurrentPassword(hasher, user, input.currentPassword);
        const passwordHash = yield* await hasher.hash(input.newPassword);
        return unitOfWork.run<void, ChangePasswordError>(async (repositories) =>
          safeTry(async function* () {
            yield* await repositories.users.update(changeUser(user, { passwordHash }, clock.now()), user.version);
            return repositories.sessions.deleteByUser(user.id, own ? actor.sessionId : null);
          }),
        );
      }),
    );
}

async function requireCurrentPassword(
  hasher: PasswordHasher,
  user: User,
  raw: string | null,
): Promise<Result<void, CurrentPasswordRequired | WrongPassword | PasswordHashingError>> {
  if (raw === null) return fail({ kind: "current_password_required" });
  const password = parsePassword(raw);
  if (password.isErr()) return fail({ kind: "wrong_password" });
  const verdict = await hasher.verify(password.value, user.passwordHash);
  return verdict.andThen((answer) => (answer === "mismatch" ? fail({ kind: "wrong_password" }) : ok()));
}
