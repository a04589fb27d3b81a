import type { Result } from "neverthrow";
import { visibleUsers, type Viewer } from "../../domain/access.ts";
import { profileFor, type UserProfile } from "../../domain/user/user-profile.ts";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { Page, PageRequest } from "../../domain/shared/page.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { UserRepository } from "../../domain/user/user-repository.ts";

export type ListUsersError = StorageFailure;

/** Lists the users whom the viewer may see, with the fields that the viewer may see. */
export function listUsers({ users }: { readonly users: UserRepository }) {
  return async (
    viewer: Viewer,
    request: PageRequest<UserId>,
    signal?: AbortSignal,
  ): Promise<Result<Page<UserProfile>, ListUsersError>> =>
    (await users.list(visibleUsers(viewer), request, signal)).map((page) => ({
      ...page,
      items: page.items.map((user) => profileFor(viewer, user)),
    }));
}
