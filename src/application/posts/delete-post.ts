import { safeTry, type Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import type { PostRepository } from "../../domain/post/post-repository.ts";
import type { VersionConflict } from "../../domain/shared/version.ts";
import { retryLostRaces } from "../optimistic-concurrency.ts";
import { findChangeablePost, type FindChangeablePostError, type PostTarget } from "./find-changeable-post.ts";

export type DeletePostError = FindChangeablePostError | VersionConflict;

export function deletePost({ posts }: { readonly posts: PostRepository }) {
  return async (actor: Actor, target: PostTarget): Promise<Result<void, DeletePostError>> =>
    retryLostRaces<void, DeletePostError>(async () =>
      safeTry(async function* () {
        const post = yield* await findChangeablePost(posts, actor, target);
        return posts.delete(post.id, post.version);
      }),
    );
}
