import type { Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import type { UserProfile } from "../../domain/user/user-profile.ts";
import type { EmailAddress } from "../../domain/user/email-address.ts";
import { NIL_ID, type SessionId, type UserId } from "../../domain/shared/id.ts";
import type { Page, PageRequest } from "../../domain/shared/page.ts";
import type { Password } from "../../domain/user/password.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { Role, User } from "../../domain/user/user.ts";
import type { UserNotFound } from "../../domain/user/user-repository.ts";
import type { ChangeUserDependencies, ChangeUserError } from "./change-credentials.ts";
import { changePassword } from "./change-password.ts";
import { listUsers, type ListUsersError } from "./list-users.ts";
import { updateUser } from "./update-user.ts";

/** The operator of the server: an admin without an account and without a session. */
const OPERATOR: Actor = { userId: NIL_ID as UserId, role: "admin", sessionId: NIL_ID as SessionId };

/** How an operator identifies a user. */
export type UserReference = { readonly id: UserId } | { readonly email: EmailAddress };

export type AdministerUsers = ReturnType<typeof administerUsers>;

/** The operator's use cases for users. They follow the rules for an admin. */
export function administerUsers(dependencies: ChangeUserDependencies) {
  const { users } = dependencies;
  const list = listUsers(dependencies);
  const change = changePassword(dependencies);
  const update = updateUser(dependencies);
  return {
    /** Fails with `user_not_found`. */
    findUser: async (reference: UserReference): Promise<Result<User, UserNotFound | StorageFailure>> =>
      "id" in reference ? users.findById(reference.id) : users.findByEmail(reference.email),

    /** Lists all users, newest first, with their addresses. */
    listUsers: async (request: PageRequest<UserId>): Promise<Result<Page<UserProfile>, ListUsersError>> =>
      list(OPERATOR, request),

    /** Changes a password without the current one, and revokes all sessions of the user. */
    setPassword: async (id: UserId, newPassword: Password): Promise<Result<void, ChangeUserError>> =>
      change(OPERATOR, { id, newPassword, expected: null }),

    /** Sets the role. Setting the current role again changes nothing. */
    setRole: async (id: UserId, role: Role): Promise<Result<UserProfile, ChangeUserError>> =>
      update(OPERATOR, { id, changes: { role }, expected: null }),
  };
}
