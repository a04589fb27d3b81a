import type { Result } from "neverthrow";
import { profileFor, type UserProfile, type Viewer } from "../../domain/access.ts";
import type { UserId } from "../../domain/id.ts";
import type { Page, PageRequest } from "../../domain/page.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import type { UserRepository } from "../../domain/user-repository.ts";

export type ListUsersError = StorageFailure;

export function listUsers({ users }: { readonly users: UserRepository }) {
  return async (viewer: Viewer, request: PageRequest<UserId>): Promise<Result<Page<UserProfile>, ListUsersError>> =>
    (await users.list(request)).map((page) => ({
      ...page,
      items: page.items.map((user) => profileFor(viewer, user)),
    }));
}
