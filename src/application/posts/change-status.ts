import type { Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import type { Post } from "../../domain/post/post.ts";
import type { Idempotency, IdempotencyError, Outcome } from "../idempotency/idempotency.ts";
import type { IdempotentCommits } from "../idempotency/idempotent-commits.ts";
import { retryLostRaces } from "../optimistic-concurrency.ts";
import type { Clock } from "../ports/clock.ts";
import { changePost, type ChangePostError } from "./change-post.ts";
import type { PostTarget } from "./find-changeable-post.ts";
import { POST_SNAPSHOT } from "./post-snapshot.ts";

export interface ChangeStatusDependencies {
  readonly commits: IdempotentCommits;
  readonly clock: Clock;
}

type ChangeStatusError = ChangePostError | IdempotencyError;

/** Publishes or unpublishes a post, once for each idempotency key. */
export function changeStatus<RuleError extends { readonly kind: string }>(
  { commits, clock }: ChangeStatusDependencies,
  operation: (post: Post, now: Date) => Result<Post, RuleError>,
) {
  return async (
    actor: Actor,
    target: PostTarget,
    idempotency: Idempotency | null,
  ): Promise<Result<Outcome<Post>, RuleError | ChangeStatusError>> =>
    retryLostRaces<Outcome<Post>, RuleError | ChangeStatusError>(async () =>
      commits.commit(idempotency, {
        write: async ({ posts }) => changePost({ posts, clock }, actor, target, operation),
        snapshot: POST_SNAPSHOT,
        userId: actor.userId,
        isUnit: false,
      }),
    );
}
