import type { Result } from "neverthrow";
import type { Viewer } from "../../domain/access.ts";
import { profileFor, type UserProfile } from "../../domain/user/user-profile.ts";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { UserNotFound } from "../../domain/user/user-repository.ts";
import { findVisibleUser, type FindUserDependencies } from "./find-visible-user.ts";

export type GetUserError = UserNotFound | StorageFailure;

/** Fails with `user_not_found` for a user whom the viewer may not see, so that nothing reveals whether the user exists. */
export function getUser(dependencies: FindUserDependencies) {
  return async (viewer: Viewer, id: UserId, signal?: AbortSignal): Promise<Result<UserProfile, GetUserError>> =>
    (await findVisibleUser(dependencies, viewer, id, signal)).map((user) => profileFor(viewer, user));
}
