import type { Result } from "neverthrow";
import { visiblePosts, type PostQuery, type Viewer } from "../../domain/access.ts";
import type { PostRepository } from "../../domain/post-repository.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";

export type CountPostsError = StorageFailure;

/** How many posts the viewer asks for and may see. */
export function countPosts({ posts }: { readonly posts: PostRepository }) {
  return async (viewer: Viewer, query: PostQuery): Promise<Result<number, CountPostsError>> =>
    posts.count(visiblePosts(viewer, query));
}
