import { safeTry, type Result } from "neverthrow";
import { maySetPublicationTime, type Actor, type Forbidden } from "../../domain/access.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { PostId } from "../../domain/shared/id.ts";
import {
  newDraft,
  newPublishedPost,
  type ContentRequired,
  type Post,
  type PostContent,
  type PostStatus,
  type PostTitle,
  type PublicationInFuture,
} from "../../domain/post/post.ts";
import type { Idempotency, IdempotencyError, Outcome } from "../idempotency/idempotency.ts";
import type { IdempotentCommits } from "../idempotency/idempotent-commits.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdGenerator } from "../ports/id-generator.ts";

export interface CreatePostInput {
  readonly title: PostTitle;
  readonly content: PostContent;
  readonly status: PostStatus;
  /** The time of publication of a published post, now by default. Only an admin may set it. */
  readonly publishedAt?: Date;
}

export type CreatePostError = Forbidden | ContentRequired | PublicationInFuture | IdempotencyError;

export interface CreatePostDependencies {
  readonly commits: IdempotentCommits;
  readonly ids: IdGenerator;
  readonly clock: Clock;
}

/** Creates a post, as a draft or published immediately. */
export function createPost({ ids, clock, commits }: CreatePostDependencies) {
  return async (
    actor: Actor,
    { title, content, status, publishedAt }: CreatePostInput,
    idempotency: Idempotency | null,
  ): Promise<Result<Outcome<Post>, CreatePostError>> =>
    safeTry<Outcome<Post>, CreatePostError>(async function* () {
      if (publishedAt !== undefined && !maySetPublicationTime(actor)) return fail({ kind: "forbidden" });
      const fields = { id: ids.next<PostId>(), title, content, authorId: actor.userId };
      const now = clock.now();
      const post: Post =
        status === "published" ? yield* newPublishedPost(fields, now, publishedAt) : newDraft(fields, now);
      return commits.insertPost(idempotency, post);
    });
}
