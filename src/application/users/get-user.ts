import type { Result } from "neverthrow";
import { profileFor, type UserProfile, type Viewer } from "../../domain/access.ts";
import type { UserId } from "../../domain/id.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import type { UserNotFound, UserRepository } from "../../domain/user-repository.ts";

export type GetUserError = UserNotFound | StorageFailure;

export function getUser({ users }: { readonly users: UserRepository }) {
  return async (viewer: Viewer, id: UserId): Promise<Result<UserProfile, GetUserError>> =>
    (await users.findById(id)).map((user) => profileFor(viewer, user));
}
