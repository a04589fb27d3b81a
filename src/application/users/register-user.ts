import { safeTry, type Result } from "neverthrow";
import { ownProfile, type UserProfile } from "../../domain/access.ts";
import type { EmailTaken } from "../../domain/user-repository.ts";
import { directly, type Commit, type CommitError } from "../commit.ts";
import type { PasswordHashingError } from "../ports/password-hasher.ts";
import type { Repositories } from "../ports/unit-of-work.ts";
import { prepareUser, type CreateUserInput, type PrepareUserDependencies } from "./create-user.ts";

export type RegisterUserInput = Omit<CreateUserInput, "role">;

export type RegisterUserError = EmailTaken | PasswordHashingError | CommitError;

export interface RegisterUserDependencies extends PrepareUserDependencies, Repositories {}

/** Lets anybody become an author. What it returns is theirs, so it shows their address. */
export function registerUser(dependencies: RegisterUserDependencies) {
  return async (
    input: RegisterUserInput,
    commit: Commit<UserProfile> = directly(dependencies),
  ): Promise<Result<UserProfile, RegisterUserError>> =>
    safeTry(async function* () {
      const user = yield* await prepareUser(dependencies, { ...input, role: "author" });
      return commit(async ({ users }) => (await users.insert(user)).map(() => ownProfile(user)));
    });
}
