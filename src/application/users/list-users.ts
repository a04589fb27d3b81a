import type { Result } from "neverthrow";
import { profileFor, visibleUsers, type UserProfile, type Viewer } from "../../domain/access.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { Page, PageRequest } from "../../domain/shared/page.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { UserRepository } from "../../domain/user/user-repository.ts";

export type ListUsersError = StorageFailure;

/** The users whom the viewer may see, each as far as they may. */
export function listUsers({ users }: { readonly users: UserRepository }) {
  return async (viewer: Viewer, request: PageRequest<UserId>): Promise<Result<Page<UserProfile>, ListUsersError>> =>
    (await users.list(visibleUsers(viewer), request)).map((page) => ({
      ...page,
      items: page.items.map((user) => profileFor(viewer, user)),
    }));
}
