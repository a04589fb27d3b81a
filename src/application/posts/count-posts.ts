import type { Result } from "neverthrow";
import { visiblePosts, type PostQuery, type PostSearch, type Viewer } from "../../domain/access.ts";
import type { PostRepository } from "../../domain/post/post-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";

export type CountPostsError = StorageFailure;

/** How many posts the viewer asks for, or searches for, and may see. */
export function countPosts({ posts }: { readonly posts: PostRepository }) {
  return async (viewer: Viewer, asked: PostQuery | PostSearch): Promise<Result<number, CountPostsError>> =>
    posts.count(visiblePosts(viewer, asked), "search" in asked ? asked.search : null);
}
