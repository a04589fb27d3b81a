import { ok, safeTry, type Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import type { Post } from "../../domain/post/post.ts";
import type { PostRepository } from "../../domain/post/post-repository.ts";
import type { AccountQuotaExceeded } from "../../domain/shared/storage-quota.ts";
import type { VersionConflict } from "../../domain/shared/version.ts";
import type { Clock } from "../ports/clock.ts";
import { findChangeablePost, type FindChangeablePostError, type PostTarget } from "./find-changeable-post.ts";

export interface ChangePostDependencies {
  readonly posts: PostRepository;
  readonly clock: Clock;
}

export type ChangePostError = FindChangeablePostError | VersionConflict | AccountQuotaExceeded;

/**
 * Applies a domain operation to a stored post: the common part of updating, publishing and unpublishing. Fails with
 * `version_conflict` when another request changed the post in the meantime; the caller retries.
 */
export async function changePost<RuleError extends { readonly kind: string }>(
  { posts, clock }: ChangePostDependencies,
  actor: Actor,
  target: PostTarget,
  operation: (post: Post, now: Date) => Result<Post, RuleError>,
): Promise<Result<Post, RuleError | ChangePostError>> {
  return safeTry(async function* () {
    const post = yield* await findChangeablePost(posts, actor, target);
    const changed = yield* operation(post, clock.now());
    if (changed === post) return ok(post);
    const stored = await posts.update(changed, post.version);
    // The author was deleted. The post was deleted too, or has another author: in both cases its version is stale.
    return stored
      .map(() => changed)
      .mapErr((failure) => (failure.kind === "author_not_found" ? { kind: "version_conflict" as const } : failure));
  });
}
