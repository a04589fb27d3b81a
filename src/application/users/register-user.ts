import { safeTry, type Result } from "neverthrow";
import { mayCreateUser, maySetRoles, type Forbidden, type Registration, type Viewer } from "../../domain/access.ts";
import { ownProfile, type UserProfile } from "../../domain/user/user-profile.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { Role } from "../../domain/user/user.ts";
import type { EmailTaken } from "../../domain/user/user-repository.ts";
import type { Idempotency, IdempotencyError, Outcome } from "../idempotency/idempotency.ts";
import type { IdempotentCommits } from "../idempotency/idempotent-commits.ts";
import type { PasswordHashingError } from "../ports/password-hasher.ts";
import { prepareUser, type CreateUserInput, type PrepareUserDependencies } from "./create-user.ts";
import { PROFILE_SNAPSHOT } from "./profile-snapshot.ts";

/** Registration is closed: only admins create users. */
export interface RegistrationClosed {
  readonly kind: "registration_closed";
}

export interface RegisterUserInput extends Omit<CreateUserInput, "role"> {
  /** `author` by default. Only an admin may set it. */
  readonly role?: Role;
}

export type RegisterUserError = RegistrationClosed | Forbidden | EmailTaken | PasswordHashingError | IdempotencyError;

export interface RegisterUserDependencies extends PrepareUserDependencies {
  readonly commits: IdempotentCommits;
  readonly registration: Registration;
}

/**
 * Anybody may register as an author while registration is open; admins may always create users. The returned profile is
 * complete, because the caller provided every field of it.
 */
export function registerUser(dependencies: RegisterUserDependencies) {
  return async (
    viewer: Viewer,
    { role, ...input }: RegisterUserInput,
    idempotency: Idempotency | null,
  ): Promise<Result<Outcome<UserProfile>, RegisterUserError>> =>
    safeTry<Outcome<UserProfile>, RegisterUserError>(async function* () {
      if (!mayCreateUser(viewer, dependencies.registration)) return fail({ kind: "registration_closed" });
      if (role !== undefined && (viewer === null || !maySetRoles(viewer))) return fail({ kind: "forbidden" });
      const user = yield* await prepareUser(dependencies, { ...input, role: role ?? "author" });
      return dependencies.commits.commit(idempotency, {
        write: async ({ users }) => (await users.insert(user)).map(() => ownProfile(user)),
        snapshot: PROFILE_SNAPSHOT,
        userId: user.id,
        isUnit: false,
      });
    });
}
