import { safeTry, type Result } from "neverthrow";
import type { Actor, Forbidden } from "../../domain/access.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { Password } from "../../domain/user/password.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { changeUser } from "../../domain/user/user.ts";
import type { EmailTaken, LastAdmin, UserNotFound } from "../../domain/user/user-repository.ts";
import type { VersionConflict } from "../../domain/shared/version.ts";
import {
  requireVersion,
  retryLostRaces,
  type ExpectedVersions,
  type PreconditionFailed,
} from "../optimistic-concurrency.ts";
import type { Clock } from "../ports/clock.ts";
import type { PasswordHasher } from "../ports/password-hasher.ts";
import type { UnitOfWork } from "../ports/unit-of-work.ts";
import { findChangeableUser, type FindUserDependencies } from "./find-visible-user.ts";
import { requireCurrentPassword, type CurrentPasswordError } from "./require-current-password.ts";

export interface ChangePasswordInput {
  readonly id: UserId;
  /** Required from users who change their own password. */
  readonly currentPassword?: string;
  readonly newPassword: Password;
  readonly expected: ExpectedVersions;
}

export type ChangePasswordError =
  | UserNotFound
  | Forbidden
  | CurrentPasswordError
  | EmailTaken
  | LastAdmin
  | PreconditionFailed
  | VersionConflict
  | StorageFailure;

export interface ChangePasswordDependencies extends FindUserDependencies {
  readonly unitOfWork: UnitOfWork;
  readonly hasher: PasswordHasher;
  readonly clock: Clock;
}

/**
 * Changes a password and revokes the user's other sessions; the session of the request stays. An admin changes the password
 * of another user without the current one, which revokes all sessions of that user.
 */
export function changePassword(dependencies: ChangePasswordDependencies) {
  const { unitOfWork, hasher, clock } = dependencies;
  return async (actor: Actor, input: ChangePasswordInput): Promise<Result<void, ChangePasswordError>> =>
    retryLostRaces<void, ChangePasswordError>(async () =>
      safeTry(async function* () {
        const user = yield* await findChangeableUser(dependencies, actor, input.id);
        yield* requireVersion(user, input.expected);
        yield* await requireCurrentPassword(hasher, actor, user, input.currentPassword);
        const passwordHash = yield* await hasher.hash(input.newPassword);
        return unitOfWork.run<void, ChangePasswordError>(async (repositories) =>
          safeTry(async function* () {
            yield* await repositories.users.update(changeUser(user, { passwordHash }, clock.now()), user.version);
            return repositories.sessions.deleteByUser(user.id, actor.sessionId);
          }),
        );
      }),
    );
}
