import type { Result } from "neverthrow";
import { visibleDrafts, type Viewer } from "../../domain/access.ts";
import type { Post } from "../../domain/post/post.ts";
import type { PostNotFound, PostRepository } from "../../domain/post/post-repository.ts";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import type { PostId } from "../../domain/shared/id.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";

export type GetPostError = PostNotFound | StorageFailure;

/** Fails with `post_not_found` for a draft that the viewer may not see, so that nothing reveals whether it exists. */
export function getPost({ posts }: { readonly posts: PostRepository }) {
  return async (viewer: Viewer, id: PostId, signal?: AbortSignal): Promise<Result<Post, GetPostError>> =>
    posts.findById(id, visibleDrafts(viewer), signal);
}
