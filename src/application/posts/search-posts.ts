import type { Result } from "neverthrow";
import { visiblePosts, type PostSearch, type Viewer } from "../../domain/access.ts";
import type { PostId } from "../../domain/shared/id.ts";
import type { Page, PageRequest } from "../../domain/shared/page.ts";
import type { PostRepository } from "../../domain/post/post-repository.ts";
import type { FoundPost } from "../../domain/post/post-search.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";

export type SearchPostsError = StorageFailure;

/** The posts that the viewer searches for and may see, best first. */
export function searchPosts({ posts }: { readonly posts: PostRepository }) {
  return async (
    viewer: Viewer,
    asked: PostSearch,
    page: PageRequest<PostId>,
  ): Promise<Result<Page<FoundPost>, SearchPostsError>> =>
    posts.search(visiblePosts(viewer, asked), asked.search, page);
}
