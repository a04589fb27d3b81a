import { ok, safeTry, type Result } from "neverthrow";
import { fail } from "../../domain/fail.ts";
import {
  mayActFor,
  mayGiveRoles,
  profileFor,
  type Actor,
  type Forbidden,
  type UserProfile,
} from "../../domain/access.ts";
import type { UserId } from "../../domain/id.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import { changeUser, type UserChanges } from "../../domain/user.ts";
import type { EmailTaken, UserNotFound, UserRepository } from "../../domain/user-repository.ts";
import type { VersionConflict } from "../../domain/version.ts";
import {
  requireVersion,
  retryLostRaces,
  type ExpectedVersions,
  type PreconditionFailed,
} from "../optimistic-concurrency.ts";
import type { Clock } from "../ports/clock.ts";

export interface UpdateUserInput {
  readonly id: UserId;
  readonly changes: Omit<UserChanges, "passwordHash">;
  readonly expected: ExpectedVersions;
}

export type UpdateUserError =
  UserNotFound | Forbidden | EmailTaken | PreconditionFailed | VersionConflict | StorageFailure;

/** Users change themselves; admins change everyone, and only they give roles. */
export function updateUser({ users, clock }: { readonly users: UserRepository; readonly clock: Clock }) {
  return async (actor: Actor, input: UpdateUserInput): Promise<Result<UserProfile, UpdateUserError>> =>
    retryLostRaces<UserProfile, UpdateUserError>(async () =>
      safeTry(async function* () {
        const user = yield* await users.findById(input.id);
        if (!mayActFor(actor, user.id)) return fail({ kind: "forbidden" });
        if (input.changes.role !== undefined && !mayGiveRoles(actor)) return fail({ kind: "forbidden" });
        yield* requireVersion(user, input.expected);
        const changed = changeUser(user, input.changes, clock.now());
        if (changed !== user) yield* await users.update(changed, user.version);
        return ok(profileFor(actor, changed));
      }),
    );
}
