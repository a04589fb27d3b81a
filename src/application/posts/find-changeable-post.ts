import type { Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { mayChangePost, visibleDrafts, type Actor, type Forbidden } from "../../domain/access.ts";
import type { PostId } from "../../domain/shared/id.ts";
import type { Post } from "../../domain/post/post.ts";
import type { PostNotFound, PostRepository } from "../../domain/post/post-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { requireVersion, type ExpectedVersions, type PreconditionFailed } from "../optimistic-concurrency.ts";

/** The post to change, and the versions that the client accepts. */
export interface PostTarget {
  readonly id: PostId;
  readonly expected: ExpectedVersions;
}

export type FindChangeablePostError = PostNotFound | Forbidden | PreconditionFailed | StorageFailure;

/** The first step of every change of a post: finds a post that the actor may see, and checks the rights and the version. */
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
