import type { Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import { unpublishPost as unpublish, type Post, type PostNotPublished } from "../../domain/post/post.ts";
import { directly, type Commit, type CommitError } from "../idempotency/commit.ts";
import { retryLostRaces } from "../optimistic-concurrency.ts";
import type { Clock } from "../ports/clock.ts";
import type { Repositories } from "../ports/unit-of-work.ts";
import { changePost, type ChangePostError } from "./change-post.ts";
import type { PostTarget } from "./find-changeable-post.ts";

export type UnpublishPostError = PostNotPublished | ChangePostError | CommitError;

export interface UnpublishPostDependencies extends Repositories {
  readonly clock: Clock;
}

export function unpublishPost({ clock, ...repositories }: UnpublishPostDependencies) {
  return async (
    actor: Actor,
    target: PostTarget,
    commit: Commit<Post> = directly(repositories),
  ): Promise<Result<Post, UnpublishPostError>> =>
    retryLostRaces<Post, UnpublishPostError>(async () =>
      commit(async ({ posts }) => changePost({ posts, clock }, actor, target, unpublish)),
    );
}
