import type { Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import {
  publishPost as publish,
  type ContentRequired,
  type Post,
  type PostAlreadyPublished,
} from "../../domain/post/post.ts";
import { directly, type Commit, type CommitError } from "../idempotency/commit.ts";
import { retryLostRaces } from "../optimistic-concurrency.ts";
import type { Clock } from "../ports/clock.ts";
import type { Repositories } from "../ports/unit-of-work.ts";
import { changePost, type ChangePostError } from "./change-post.ts";
import type { PostTarget } from "./find-changeable-post.ts";

export type PublishPostError = PostAlreadyPublished | ContentRequired | ChangePostError | CommitError;

export interface PublishPostDependencies extends Repositories {
  readonly clock: Clock;
}

export function publishPost({ clock, ...repositories }: PublishPostDependencies) {
  return async (
    actor: Actor,
    target: PostTarget,
    commit: Commit<Post> = directly(repositories),
  ): Promise<Result<Post, PublishPostError>> =>
    retryLostRaces<Post, PublishPostError>(async () =>
      commit(async ({ posts }) => changePost({ posts, clock }, actor, target, publish)),
    );
}
