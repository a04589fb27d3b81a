import type { Result } from "neverthrow";
import { visiblePosts, type PostCriteria, type Viewer } from "../../domain/access.ts";
import type { PostId } from "../../domain/id.ts";
import type { Page, PageRequest } from "../../domain/page.ts";
import type { Post } from "../../domain/post.ts";
import type { PostRepository, PostSort } from "../../domain/post-repository.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";

export type ListPostsError = StorageFailure;

export interface PostQuery extends PostCriteria {
  readonly sort: PostSort;
}

/** The posts that the viewer asks for and may see. */
export function listPosts({ posts }: { readonly posts: PostRepository }) {
  return async (
    viewer: Viewer,
    { sort, ...criteria }: PostQuery,
    page: PageRequest<PostId>,
  ): Promise<Result<Page<Post>, ListPostsError>> => posts.list(visiblePosts(viewer, criteria), sort, page);
}
