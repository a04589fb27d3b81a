import type { Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import { editPost, type ContentRequired, type Post, type PostEdits } from "../../domain/post.ts";
import { retryLostRaces } from "../optimistic-concurrency.ts";
import { changePost, type ChangePostDependencies, type ChangePostError } from "./change-post.ts";
import type { PostTarget } from "./find-changeable-post.ts";

export interface UpdatePostInput extends PostTarget {
  readonly edits: PostEdits;
}

export type UpdatePostError = ContentRequired | ChangePostError;

export function updatePost(dependencies: ChangePostDependencies) {
  return async (actor: Actor, input: UpdatePostInput): Promise<Result<Post, UpdatePostError>> =>
    retryLostRaces<Post, UpdatePostError>(async () =>
      changePost(dependencies, actor, input, (post, now) => editPost(post, input.edits, now)),
    );
}
