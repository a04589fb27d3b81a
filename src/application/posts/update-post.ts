import type { Result } from "neverthrow";
import { maySetPublicationTime, type Actor, type Forbidden } from "../../domain/access.ts";
import { fail } from "../../domain/shared/fail.ts";
import { editPost, type EditPostError, type Post, type PostEdits } from "../../domain/post/post.ts";
import { retryLostRaces } from "../optimistic-concurrency.ts";
import { changePost, type ChangePostDependencies, type ChangePostError } from "./change-post.ts";
import type { PostTarget } from "./find-changeable-post.ts";

export interface UpdatePostInput extends PostTarget {
  /** Only an admin may set the time of publication. */
  readonly edits: PostEdits;
}

export type UpdatePostError = EditPostError | ChangePostError;

export function updatePost(dependencies: ChangePostDependencies) {
  return async (actor: Actor, input: UpdatePostInput): Promise<Result<Post, UpdatePostError>> =>
    retryLostRaces<Post, UpdatePostError>(async () =>
      changePost<EditPostError | Forbidden>(dependencies, actor, input, (post, now) =>
        input.edits.publishedAt !== undefined && !maySetPublicationTime(actor)
          ? fail({ kind: "forbidden" })
          : editPost(post, input.edits, now),
      ),
    );
}
