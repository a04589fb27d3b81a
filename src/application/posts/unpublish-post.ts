import type { Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import { unpublishPost as unpublish, type Post, type PostNotPublished } from "../../domain/post/post.ts";
import type { Idempotency, IdempotencyError, Outcome } from "../idempotency/idempotency.ts";
import type { IdempotentCommits } from "../idempotency/idempotent-commits.ts";
import { retryLostRaces } from "../optimistic-concurrency.ts";
import type { Clock } from "../ports/clock.ts";
import { changePost, type ChangePostError } from "./change-post.ts";
import type { PostTarget } from "./find-changeable-post.ts";
import { POST_SNAPSHOT } from "./post-snapshot.ts";

export type UnpublishPostError = PostNotPublished | ChangePostError | IdempotencyError;

export interface UnpublishPostDependencies {
  readonly commits: IdempotentCommits;
  readonly clock: Clock;
}

export function unpublishPost({ commits, clock }: UnpublishPostDependencies) {
  return async (
    actor: Actor,
    target: PostTarget,
    idempotency: Idempotency | null,
  ): Promise<Result<Outcome<Post>, UnpublishPostError>> =>
    retryLostRaces<Outcome<Post>, UnpublishPostError>(async () =>
      commits.commit(idempotency, {
        write: async ({ posts }) => changePost({ posts, clock }, actor, target, unpublish),
        snapshot: POST_SNAPSHOT,
        userId: actor.userId,
        isUnit: false,
      }),
    );
}
