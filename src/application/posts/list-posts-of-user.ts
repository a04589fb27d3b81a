import { safeTry, type Result } from "neverthrow";
import { visiblePosts, type Viewer } from "../../domain/access.ts";
import type { Post } from "../../domain/post/post.ts";
import type { PostListQuery, PostPageRequest } from "../../domain/post/post-list.ts";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { CountedPage } from "../../domain/shared/page.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { UserNotFound } from "../../domain/user/user-repository.ts";
import { findVisibleUser, type FindUserDependencies } from "../users/find-visible-user.ts";

export type ListPostsOfUserError = UserNotFound | StorageFailure;

/**
 * Lists the posts of one author that the viewer may see. Fails with `user_not_found` when the viewer may not see the author,
 * instead of showing an empty list.
 */
export function listPostsOfUser(dependencies: FindUserDependencies) {
  return async (
    viewer: Viewer,
    query: PostListQuery & { readonly authorId: UserId },
    page: PostPageRequest,
    signal?: AbortSignal,
  ): Promise<Result<CountedPage<Post>, ListPostsOfUserError>> =>
    safeTry(async function* () {
      yield* await findVisibleUser(dependencies, viewer, query.authorId, signal);
      return dependencies.posts.list(visiblePosts(viewer, query), query.sort, page, signal);
    });
}
