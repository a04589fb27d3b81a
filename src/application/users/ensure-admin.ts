import type { Result } from "neverthrow";
import type { User } from "../../domain/user/user.ts";
import { createUser, type CreateUserDependencies, type CreateUserError, type CreateUserInput } from "./create-user.ts";

export type EnsureAdminInput = Omit<CreateUserInput, "role">;

export type EnsureAdminError = CreateUserError;

/**
 * Creates the first admin. Returns `null` when there is an admin already. Fails with `email_taken` when a user has the
 * address: that user is not promoted, because nobody has verified who it is.
 */
export function ensureAdmin(dependencies: CreateUserDependencies) {
  const create = createUser(dependencies);
  return async (input: EnsureAdminInput): Promise<Result<User | null, EnsureAdminError>> => {
    const found = await dependencies.users.hasAdmin();
    if (found.isErr() || found.value) return found.map(() => null);
    return create({ ...input, role: "admin" });
  };
}
