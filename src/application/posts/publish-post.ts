import type { Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import {
  publishPost as publish,
  type ContentRequired,
  type Post,
  type PostAlreadyPublished,
} from "../../domain/post/post.ts";
import type { Idempotency, IdempotencyError, Outcome } from "../idempotency/idempotency.ts";
import type { IdempotentCommits } from "../idempotency/idempotent-commits.ts";
import { retryLostRaces } from "../optimistic-concurrency.ts";
import type { Clock } from "../ports/clock.ts";
import { changePost, type ChangePostError } from "./change-post.ts";
import type { PostTarget } from "./find-changeable-post.ts";
import { POST_SNAPSHOT } from "./post-snapshot.ts";

export type PublishPostError = PostAlreadyPublished | ContentRequired | ChangePostError | IdempotencyError;

export interface PublishPostDependencies {
  readonly commits: IdempotentCommits;
  readonly clock: Clock;
}

export function publishPost({ commits, clock }: PublishPostDependencies) {
  return async (
    actor: Actor,
    target: PostTarget,
    idempotency: Idempotency | null,
  ): Promise<Result<Outcome<Post>, PublishPostError>> =>
    retryLostRaces<Outcome<Post>, PublishPostError>(async () =>
      commits.commit(idempotency, {
        write: async ({ posts }) => changePost({ posts, clock }, actor, target, publish),
        snapshot: POST_SNAPSHOT,
        userId: actor.userId,
        isUnit: false,
      }),
    );
}
