import { safeTry, type Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { Password } from "../../domain/user/password.ts";
import { changeUser } from "../../domain/user/user.ts";
import { requireVersion, retryLostRaces, type ExpectedVersions } from "../optimistic-concurrency.ts";
import { changeCredentials, type ChangeUserDependencies, type ChangeUserError } from "./change-credentials.ts";
import { findChangeableUser } from "./find-visible-user.ts";
import { requireCurrentPassword } from "./require-current-password.ts";

export interface ChangePasswordInput {
  readonly id: UserId;
  /** Required from users who change their own password. */
  readonly currentPassword?: string;
  readonly newPassword: Password;
  readonly expected: ExpectedVersions;
}

/**
 * Changes a password and revokes the user's other sessions; the session of the request stays. An admin changes the password
 * of another user without the current one, which revokes all sessions of that user.
 */
export function changePassword(dependencies: ChangeUserDependencies) {
  const { hasher, clock } = dependencies;
  return async (actor: Actor, input: ChangePasswordInput): Promise<Result<void, ChangeUserError>> =>
    retryLostRaces<void, ChangeUserError>(async () =>
      safeTry(async function* () {
        const user = yield* await findChangeableUser(dependencies, actor, input.id);
        yield* requireVersion(user, input.expected);
        yield* await requireCurrentPassword(hasher, actor, user, input.currentPassword);
        const passwordHash = yield* await hasher.hash(input.newPassword);
        return changeCredentials(dependencies, actor, user, changeUser(user, { passwordHash }, clock.now()));
      }),
    );
}
