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
 * The user, if the viewer may see them; else they are not found. Both questions are asked at once, whether or not there is
 * such a user, so that time does not tell a user who is hidden from one who is not there.
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

/** Every change of a user begins so: find them, as far as the actor may see them, and see that the actor may act for them. */
export async function findChangeableUser(
  dependencies: FindUserDependencies,
  actor: Actor,
  id: UserId,
): Promise<Result<User, UserNotFound | Forbidden | StorageFailure>> {
  const found = await findVisibleUser(dependencies, actor, id);
  return found.andThen((user) => (mayActFor(actor, user.id) ? found : fail<Forbidden>({ kind: "forbidden" })));
}
