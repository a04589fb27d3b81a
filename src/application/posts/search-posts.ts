import type { Result } from "neverthrow";
import { visiblePosts, type Viewer } from "../../domain/access.ts";
import type { PostPageRequest, PostSearchQuery } from "../../domain/post/post-list.ts";
import type { PostRepository } from "../../domain/post/post-repository.ts";
import type { SearchPage } from "../../domain/search/found-post.ts";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";

export type SearchPostsError = StorageFailure;

/** Searches the posts that the viewer may see; the best come first. */
export function searchPosts({ posts }: { readonly posts: PostRepository }) {
  return async (
    viewer: Viewer,
    query: PostSearchQuery,
    page: PostPageRequest,
    signal?: AbortSignal,
  ): Promise<Result<SearchPage, SearchPostsError>> =>
    posts.search(visiblePosts(viewer, query), query.search, page, signal);
}
