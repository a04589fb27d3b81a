import { err, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { mayActFor, maySeeUser, type Actor, type Forbidden, type Viewer } from "../../domain/access.ts";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { PostRepository } from "../../domain/post/post-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { User } from "../../domain/user/user.ts";
import type { UserNotFound, UserRepository } from "../../domain/user/user-repository.ts";

export interface FindUserDependencies {
  readonly users: UserRepository;
  readonly posts: PostRepository;
}

/**
 * Finds a user that the viewer may see, or fails with `user_not_found`. Both queries run at the same time, whether or not the
 * user exists, so that the response time does not reveal whether a hidden user exists.
 */
export async function findVisibleUser(
  { users, posts }: FindUserDependencies,
  viewer: Viewer,
  id: UserId,
  signal?: AbortSignal,
): Promise<Result<User, UserNotFound | StorageFailure>> {
  if (maySeeUser(viewer, id, false)) return users.findById(id, signal);
  const [found, hasPublished] = await Promise.all([users.findById(id, signal), posts.hasPublished(id, signal)]);
  if (hasPublished.isErr()) return err(hasPublished.error);
  return maySeeUser(viewer, id, hasPublished.value) ? found : fail({ kind: "user_not_found" });
}

/** The first step of every change of a user: finds a user whom the actor may see, and checks that the actor may change them. */
export async function findChangeableUser(
  dependencies: FindUserDependencies,
  actor: Actor,
  id: UserId,
): Promise<Result<User, UserNotFound | Forbidden | StorageFailure>> {
  const found = await findVisibleUser(dependencies, actor, id);
  return found.andThen((user) => (mayActFor(actor, user.id) ? found : fail<Forbidden>({ kind: "forbidden" })));
}
