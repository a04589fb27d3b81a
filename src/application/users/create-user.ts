import { ok, safeTry, type Result } from "neverthrow";
import type { EmailAddress } from "../../domain/user/email-address.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { Password } from "../../domain/user/password.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { newUser, type Role, type User, type UserName } from "../../domain/user/user.ts";
import type { EmailTaken, UserRepository } from "../../domain/user/user-repository.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdGenerator } from "../ports/id-generator.ts";
import type { PasswordHasher, PasswordHashingError } from "../ports/password-hasher.ts";

export interface PrepareUserDependencies {
  readonly hasher: PasswordHasher;
  readonly ids: IdGenerator;
  readonly clock: Clock;
}

export interface CreateUserDependencies extends PrepareUserDependencies {
  readonly users: UserRepository;
}

export interface CreateUserInput {
  readonly name: UserName;
  readonly email: EmailAddress;
  readonly password: Password;
  readonly role: Role;
}

export type CreateUserError = EmailTaken | PasswordHashingError | StorageFailure;

/** Creates a user of any role, for the operator of the server. */
export function createUser({ users, ...dependencies }: CreateUserDependencies) {
  return async (input: CreateUserInput): Promise<Result<User, CreateUserError>> =>
    safeTry(async function* () {
      const user = yield* await prepareUser(dependencies, input);
      yield* await users.insert(user);
      return ok(user);
    });
}

/** Hashes the password and returns the new user, without storing it. */
export async function prepareUser(
  { hasher, ids, clock }: PrepareUserDependencies,
  { name, email, password, role }: CreateUserInput,
): Promise<Result<User, PasswordHashingError>> {
  const hashed = await hasher.hash(password);
  return hashed.map((passwordHash) =>
    newUser({ id: ids.next<UserId>(), name, email, passwordHash, role }, clock.now()),
  );
}
