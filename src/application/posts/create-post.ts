import { ok, safeTry, type Result } from "neverthrow";
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
import type { AuthorNotFound, PostRepository } from "../../domain/post/post-repository.ts";
import type { CommitError, StorePost } from "../idempotency/commit.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdGenerator } from "../ports/id-generator.ts";

export interface CreatePostInput {
  readonly title: PostTitle;
  readonly content: PostContent;
  readonly status: PostStatus;
  /** When a published post was published, given by admins alone; now where it is left out. */
  readonly publishedAt?: Date;
}

export type CreatePostError = Forbidden | ContentRequired | PublicationInFuture | CommitError;

export interface CreatePostDependencies {
  readonly posts: PostRepository;
  readonly ids: IdGenerator;
  readonly clock: Clock;
}

/** Writes a post, as a draft or published at once. */
export function createPost({ ids, clock, posts }: CreatePostDependencies) {
  return async (
    actor: Actor,
    { title, content, status, publishedAt }: CreatePostInput,
    store: StorePost = async (post) => posts.insert(post),
  ): Promise<Result<Post, CreatePostError>> =>
    safeTry<Post, CreatePostError>(async function* () {
      if (publishedAt !== undefined && !maySetPublicationTime(actor)) return fail({ kind: "forbidden" });
      const fields = { id: ids.next<PostId>(), title, content, authorId: actor.userId };
      const now = clock.now();
      const post: Post =
        status === "published" ? yield* newPublishedPost(fields, now, publishedAt) : newDraft(fields, now);
      yield* (await store(post)).mapErr(invalidWhenAuthorGone);
      return ok(post);
    });
}

/** A user who was deleted since they were authenticated has no session either. */
function invalidWhenAuthorGone(failure: AuthorNotFound | CommitError): CommitError {
  return failure.kind === "author_not_found" ? { kind: "invalid_session" } : failure;
}
