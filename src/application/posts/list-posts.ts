import type { Result } from "neverthrow";
import { visiblePosts, type Viewer } from "../../domain/access.ts";
import type { Post } from "../../domain/post/post.ts";
import type { PostListQuery, PostPageRequest } from "../../domain/post/post-list.ts";
import type { PostRepository } from "../../domain/post/post-repository.ts";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import type { CountedPage } from "../../domain/shared/page.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";

export type ListPostsError = StorageFailure;

/** Lists the posts that match the query and that the viewer may see. */
export function listPosts({ posts }: { readonly posts: PostRepository }) {
  return async (
    viewer: Viewer,
    query: PostListQuery,
    page: PostPageRequest,
    signal?: AbortSignal,
  ): Promise<Result<CountedPage<Post>, ListPostsError>> =>
    posts.list(visiblePosts(viewer, query), query.sort, page, signal);
}
