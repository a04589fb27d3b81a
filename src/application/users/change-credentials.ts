import { safeTry, type Result } from "neverthrow";
import type { Actor, Forbidden } from "../../domain/access.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { VersionConflict } from "../../domain/shared/version.ts";
import type { User } from "../../domain/user/user.ts";
import type { EmailTaken, LastAdmin, UserNotFound } from "../../domain/user/user-repository.ts";
import type { PreconditionFailed } from "../optimistic-concurrency.ts";
import type { Clock } from "../ports/clock.ts";
import type { PasswordHasher } from "../ports/password-hasher.ts";
import type { UnitOfWork } from "../ports/unit-of-work.ts";
import type { FindUserDependencies } from "./find-visible-user.ts";
import type { CurrentPasswordError } from "./require-current-password.ts";

export type ChangeUserError =
  | UserNotFound
  | Forbidden
  | CurrentPasswordError
  | EmailTaken
  | LastAdmin
  | PreconditionFailed
  | VersionConflict
  | StorageFailure;

export interface ChangeUserDependencies extends FindUserDependencies {
  readonly unitOfWork: UnitOfWork;
  readonly hasher: PasswordHasher;
  readonly clock: Clock;
}

/** Stores a user with another password or address, and revokes the user's sessions except that of the request. */
export async function changeCredentials(
  { unitOfWork }: ChangeUserDependencies,
  actor: Actor,
  user: User,
  changed: User,
): Promise<Result<void, ChangeUserError>> {
  return unitOfWork.run<void, ChangeUserError>(async ({ users, sessions }) =>
    safeTry(async function* () {
      yield* await users.update(changed, user.version);
      return sessions.deleteByUser(user.id, actor.sessionId);
    }),
  );
}
