import { safeTry, type Result } from "neverthrow";
import { visiblePosts, type PostQuery, type Viewer } from "../../domain/access.ts";
import type { PostId, UserId } from "../../domain/id.ts";
import type { Page, PageRequest } from "../../domain/page.ts";
import type { Post } from "../../domain/post.ts";
import type { PostRepository } from "../../domain/post-repository.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import type { UserNotFound, UserRepository } from "../../domain/user-repository.ts";

export type ListPostsOfUserError = UserNotFound | StorageFailure;

export interface ListPostsOfUserDependencies {
  readonly posts: PostRepository;
  readonly users: UserRepository;
}

/** The posts of one author that the viewer asks for and may see. Fails with `user_not_found` rather than show an empty list. */
export function listPostsOfUser({ posts, users }: ListPostsOfUserDependencies) {
  return async (
    viewer: Viewer,
    query: PostQuery & { readonly authorId: UserId },
    page: PageRequest<PostId>,
  ): Promise<Result<Page<Post>, ListPostsOfUserError>> =>
    safeTry(async function* () {
      yield* await users.findById(query.authorId);
      return posts.list(visiblePosts(viewer, query), query.sort, page);
    });
}
