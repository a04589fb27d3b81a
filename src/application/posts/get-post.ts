import type { Result } from "neverthrow";
import { visibleDrafts, type Viewer } from "../../domain/access.ts";
import type { PostId } from "../../domain/shared/id.ts";
import type { Post } from "../../domain/post/post.ts";
import type { PostNotFound, PostRepository } from "../../domain/post/post-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";

export type GetPostError = PostNotFound | StorageFailure;

/** A draft that the viewer may not see is not found: whether it exists is not told. */
export function getPost({ posts }: { readonly posts: PostRepository }) {
  return async (viewer: Viewer, id: PostId): Promise<Result<Post, GetPostError>> =>
    posts.findById(id, visibleDrafts(viewer));
}
