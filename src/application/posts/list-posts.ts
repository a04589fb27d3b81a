import type { Result } from "neverthrow";
import { visiblePosts, type PostQuery, type Viewer } from "../../domain/access.ts";
import type { PostId } from "../../domain/shared/id.ts";
import type { Page, PageRequest } from "../../domain/shared/page.ts";
import type { Post } from "../../domain/post/post.ts";
import type { PostRepository } from "../../domain/post/post-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";

export type ListPostsError = StorageFailure;

/** The posts that the viewer asks for and may see. */
export function listPosts({ posts }: { readonly posts: PostRepository }) {
  return async (
    viewer: Viewer,
    query: PostQuery,
    page: PageRequest<PostId>,
  ): Promise<Result<Page<Post>, ListPostsError>> => posts.list(visiblePosts(viewer, query), query.sort, page);
}
