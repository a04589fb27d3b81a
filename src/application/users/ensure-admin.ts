import { ok, type Result } from "neverthrow";
import type { User } from "../../domain/user/user.ts";
import { createUser, type CreateUserDependencies, type CreateUserError, type CreateUserInput } from "./create-user.ts";

export type EnsureAdminInput = Omit<CreateUserInput, "role">;

export type EnsureAdminError = CreateUserError;

/**
 * Creates the first admin. Returns `null` when there is an admin already, also when another process creates it with the same
 * address at the same time. Fails with `email_taken` when a user has the address: that user is not promoted, because nobody has
 * verified who it is.
 *
 * The check and the insert are not atomic: two processes that start at the same time with different addresses create two admins.
 */
export function ensureAdmin(dependencies: CreateUserDependencies) {
  const create = createUser(dependencies);
  return async (input: EnsureAdminInput): Promise<Result<User | null, EnsureAdminError>> => {
    const found = await dependencies.users.hasAdmin();
    if (found.isErr() || found.value) return found.map(() => null);
    const created = await create({ ...input, role: "admin" });
    if (created.isOk() || created.error.kind !== "email_taken") return created;
    return (await dependencies.users.hasAdmin()).andThen((hasAdmin) => (hasAdmin ? ok(null) : created));
  };
}
