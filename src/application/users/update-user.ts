import { ok, safeTry, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { maySetRoles, type Actor, type Forbidden } from "../../domain/access.ts";
import { profileFor, type UserProfile } from "../../domain/user/user-profile.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { changeUser, type UserChanges } from "../../domain/user/user.ts";
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

export interface UpdateUserInput {
  readonly id: UserId;
  readonly changes: Omit<UserChanges, "passwordHash">;
  /** Required from users who change their own address. */
  readonly currentPassword?: string;
  readonly expected: ExpectedVersions;
}

export type UpdateUserError =
  | UserNotFound
  | Forbidden
  | CurrentPasswordError
  | EmailTaken
  | LastAdmin
  | PreconditionFailed
  | VersionConflict
  | StorageFailure;

export interface UpdateUserDependencies extends FindUserDependencies {
  readonly unitOfWork: UnitOfWork;
  readonly hasher: PasswordHasher;
  readonly clock: Clock;
}

/**
 * Users may change themselves. Admins may change everyone, and only admins may change roles. A user logs in with the address,
 * so a change of it revokes the user's other sessions.
 */
export function updateUser(dependencies: UpdateUserDependencies) {
  const { users, unitOfWork, hasher, clock } = dependencies;
  return async (actor: Actor, input: UpdateUserInput): Promise<Result<UserProfile, UpdateUserError>> =>
    retryLostRaces<UserProfile, UpdateUserError>(async () =>
      safeTry(async function* () {
        const user = yield* await findChangeableUser(dependencies, actor, input.id);
        if (input.changes.role !== undefined && !maySetRoles(actor)) return fail({ kind: "forbidden" });
        yield* requireVersion(user, input.expected);
        const changed = changeUser(user, input.changes, clock.now());
        if (changed.email !== user.email) {
          yield* await requireCurrentPassword(hasher, actor, user, input.currentPassword);
          yield* await unitOfWork.run<void, UpdateUserError>(async (repositories) =>
            safeTry(async function* () {
              yield* await repositories.users.update(changed, user.version);
              return repositories.sessions.deleteByUser(user.id, actor.sessionId);
            }),
          );
        } else if (changed !== user) yield* await users.update(changed, user.version);
        return ok(profileFor(actor, changed));
      }),
    );
}
