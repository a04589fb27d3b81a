import { safeTry, type Result } from "neverthrow";
import {
  mayCreateUser,
  mayGiveRoles,
  ownProfile,
  type Forbidden,
  type Registration,
  type UserProfile,
  type Viewer,
} from "../../domain/access.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { Role } from "../../domain/user/user.ts";
import type { EmailTaken } from "../../domain/user/user-repository.ts";
import { directly, type Commit, type CommitError } from "../idempotency/commit.ts";
import type { PasswordHashingError } from "../ports/password-hasher.ts";
import type { Repositories } from "../ports/unit-of-work.ts";
import { prepareUser, type CreateUserInput, type PrepareUserDependencies } from "./create-user.ts";

/** The operator lets admins alone create users. */
export interface RegistrationClosed {
  readonly kind: "registration_closed";
}

export interface RegisterUserInput extends Omit<CreateUserInput, "role"> {
  /** Given by admins alone; an author where it is left out. */
  readonly role?: Role;
}

export type RegisterUserError = RegistrationClosed | Forbidden | EmailTaken | PasswordHashingError | CommitError;

export interface RegisterUserDependencies extends PrepareUserDependencies, Repositories {
  readonly registration: Registration;
}

/**
 * Lets anybody become an author while registration is open, and admins create users always. The profile that it returns
 * is full, as the one who asked has given all of it.
 */
export function registerUser(dependencies: RegisterUserDependencies) {
  return async (
    viewer: Viewer,
    { role, ...input }: RegisterUserInput,
    commit: Commit<UserProfile> = directly(dependencies),
  ): Promise<Result<UserProfile, RegisterUserError>> =>
    safeTry<UserProfile, RegisterUserError>(async function* () {
      if (!mayCreateUser(viewer, dependencies.registration)) return fail({ kind: "registration_closed" });
      if (role !== undefined && (viewer === null || !mayGiveRoles(viewer))) return fail({ kind: "forbidden" });
      const user = yield* await prepareUser(dependencies, { ...input, role: role ?? "author" });
      return commit(async ({ users }) => (await users.insert(user)).map(() => ownProfile(user)));
    });
}
