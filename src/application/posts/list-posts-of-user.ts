import { safeTry, type Result } from "neverthrow";
import { visiblePosts, type PostQuery, type Viewer } from "../../domain/access.ts";
import type { PostId, UserId } from "../../domain/shared/id.ts";
import type { Page, PageRequest } from "../../domain/shared/page.ts";
import type { Post } from "../../domain/post/post.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { UserNotFound } from "../../domain/user/user-repository.ts";
import { findVisibleUser, type FindUserDependencies } from "../users/find-visible-user.ts";

export type ListPostsOfUserError = UserNotFound | StorageFailure;

/**
 * The posts of one author that the viewer asks for and may see. Fails with `user_not_found` where the viewer may not see
 * the author, rather than show an empty list.
 */
export function listPostsOfUser(dependencies: FindUserDependencies) {
  return async (
    viewer: Viewer,
    query: PostQuery & { readonly authorId: UserId },
    page: PageRequest<PostId>,
  ): Promise<Result<Page<Post>, ListPostsOfUserError>> =>
    safeTry(async function* () {
      yield* await findVisibleUser(dependencies, viewer, query.authorId);
      return dependencies.posts.list(visiblePosts(viewer, query), query.sort, page);
    });
}
