import type { Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { mayChangePost, visibleDrafts, type Actor, type Forbidden } from "../../domain/access.ts";
import type { PostId } from "../../domain/shared/id.ts";
import type { Post } from "../../domain/post/post.ts";
import type { PostNotFound, PostRepository } from "../../domain/post/post-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { requireVersion, type ExpectedVersions, type PreconditionFailed } from "../optimistic-concurrency.ts";

/** The post to change, and the versions of it that the client is willing to change. */
export interface PostTarget {
  readonly id: PostId;
  readonly expected: ExpectedVersions;
}

export type FindChangeablePostError = PostNotFound | Forbidden | PreconditionFailed | StorageFailure;

/** Every change of a post begins so: find it as far as the actor may see it, see that they may change it, and that it is as they saw it. */
export async function findChangeablePost(
  posts: PostRepository,
  actor: Actor,
  { id, expected }: PostTarget,
): Promise<Result<Post, FindChangeablePostError>> {
  const found = await posts.findById(id, visibleDrafts(actor));
  return found.andThen((post): Result<Post, FindChangeablePostError> => {
    if (!mayChangePost(actor, post)) return fail({ kind: "forbidden" });
    return requireVersion(post, expected).map(() => post);
  });
}
