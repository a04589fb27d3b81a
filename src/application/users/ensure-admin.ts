import type { Result } from "neverthrow";
import type { User } from "../../domain/user/user.ts";
import { createUser, type CreateUserDependencies, type CreateUserError, type CreateUserInput } from "./create-user.ts";

export type EnsureAdminInput = Omit<CreateUserInput, "role">;

export type EnsureAdminError = CreateUserError;

/**
 * Creates the first admin; `null` when there is one already. It fails with `email_taken` rather than promote the user
 * who has the address: who they are nobody has checked.
 */
export function ensureAdmin(dependencies: CreateUserDependencies) {
  const create = createUser(dependencies);
  return async (input: EnsureAdminInput): Promise<Result<User | null, EnsureAdminError>> => {
    const found = await dependencies.users.hasAdmin();
    if (found.isErr() || found.value) return found.map(() => null);
    return create({ ...input, role: "admin" });
  };
}
