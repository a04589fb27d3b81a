import type { Result } from "neverthrow";
import { ownProfile, type UserProfile } from "../../domain/access.ts";
import { createUser, type CreateUserDependencies, type CreateUserError, type CreateUserInput } from "./create-user.ts";

export type RegisterUserInput = Omit<CreateUserInput, "role">;

export type RegisterUserError = CreateUserError;

/** Lets anybody become an author. What it returns is theirs, so it shows their address. */
export function registerUser(dependencies: CreateUserDependencies) {
  const create = createUser(dependencies);
  return async (input: RegisterUserInput): Promise<Result<UserProfile, RegisterUserError>> => {
    const created = await create({ ...input, role: "author" });
    return created.map(ownProfile);
  };
}
