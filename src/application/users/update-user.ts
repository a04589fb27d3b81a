import { ok, safeTry, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { maySetRoles, type Actor } from "../../domain/access.ts";
import { profileFor, type UserProfile } from "../../domain/user/user-profile.ts";
import type { UserId } from "../../domain/shared/id.ts";
import { changeUser, type UserChanges } from "../../domain/user/user.ts";
import { requireVersion, retryLostRaces, type ExpectedVersions } from "../optimistic-concurrency.ts";
import { changeCredentials, type ChangeUserDependencies, type ChangeUserError } from "./change-credentials.ts";
import { findChangeableUser } from "./find-visible-user.ts";
import { requireCurrentPassword } from "./require-current-password.ts";

export interface UpdateUserInput {
  readonly id: UserId;
  readonly changes: Omit<UserChanges, "passwordHash">;
  /** Required from users who change their own address. */
  readonly currentPassword?: string;
  readonly expected: ExpectedVersions;
}

/**
 * Users may change themselves. Admins may change everyone, and only admins may change roles. A user logs in with the address,
 * so a change of it revokes the user's other sessions.
 */
export function updateUser(dependencies: ChangeUserDependencies) {
  const { users, hasher, clock } = dependencies;
  return async (actor: Actor, input: UpdateUserInput): Promise<Result<UserProfile, ChangeUserError>> =>
    retryLostRaces<UserProfile, ChangeUserError>(async () =>
      safeTry(async function* () {
        const user = yield* await findChangeableUser(dependencies, actor, input.id);
        if (input.changes.role !== undefined && !maySetRoles(actor)) return fail({ kind: "forbidden" });
        yield* requireVersion(user, input.expected);
        const changed = changeUser(user, input.changes, clock.now());
        if (changed.email !== user.email) {
          yield* await requireCurrentPassword(hasher, actor, user, input.currentPassword);
          yield* await changeCredentials(dependencies, actor, user, changed);
        } else if (changed !== user) yield* await users.update(changed, user.version);
        return ok(profileFor(actor, changed));
      }),
    );
}
