import type { Result } from "neverthrow";
import type { PostId, UserId } from "./id.ts";
import { firstPage, type Page, type PageRequest } from "./page.ts";
import type { Post } from "./post.ts";
import type { StorageFailure } from "./storage-failure.ts";
import { utf8ByteLength } from "./text.ts";
import type { Version, VersionConflict } from "./version.ts";

export interface PostNotFound {
  readonly kind: "post_not_found";
}

/** No user has the id that the post names as its author. */
export interface AuthorNotFound {
  readonly kind: "author_not_found";
}

/**
 * Which posts a list shows: every one, the published ones, or the published ones and all of one author's; `authorId`
 * narrows it to one author.
 */
export interface PostFilter {
  readonly drafts: "all" | "none" | { readonly of: UserId };
  readonly authorId: UserId | null;
}

/**
 * A page ends early with the post whose content brings it to this many bytes of UTF-8: what a page costs in memory is
 * bounded by its bytes and not only by its count.
 */
export const PAGE_FULL_CONTENT_BYTES = 4 * 1_048_576;

/** The page of posts that were read further than its limit, as far as something can be on it. */
export function pageOfPosts(read: readonly Post[], limit: number): Page<Post> {
  let bytes = 0;
  const full = read.findIndex(({ content }) => {
    const isFull = bytes >= PAGE_FULL_CONTENT_BYTES;
    bytes += utf8ByteLength(content);
    return isFull;
  });
  return firstPage(read, full === -1 ? limit : Math.min(full, limit));
}

export interface PostRepository {
  /** Stores a new post. Fails with `author_not_found` when no user has `post.authorId`. */
  insert(post: Post): Promise<Result<void, AuthorNotFound | StorageFailure>>;

  /** Fails with `post_not_found`. */
  findById(id: PostId): Promise<Result<Post, PostNotFound | StorageFailure>>;

  /** Newest first; a page ends early at {@link PAGE_FULL_CONTENT_BYTES}. */
  list(filter: PostFilter, page: PageRequest<PostId>): Promise<Result<Page<Post>, StorageFailure>>;

  /**
   * Replaces the post if the stored version is `expected`. Fails with `version_conflict` if it is another, with
   * `post_not_found` when there is none, with `author_not_found` when no user has `post.authorId`.
   */
  update(
    post: Post,
    expected: Version,
  ): Promise<Result<void, PostNotFound | VersionConflict | AuthorNotFound | StorageFailure>>;

  /** Removes the post if the stored version is `expected`; fails with `version_conflict` or `post_not_found`. */
  delete(id: PostId, expected: Version): Promise<Result<void, PostNotFound | VersionConflict | StorageFailure>>;

  /** Removes every post of the author. */
  deleteByAuthor(authorId: UserId): Promise<Result<void, StorageFailure>>;

  /**
   * Gives every post of `from` to `to`, each one version on and updated at `now`. Fails with `author_not_found` when
   * no user has the id `to` and there is a post to give.
   */
  reassign(from: UserId, to: UserId, now: Date): Promise<Result<void, AuthorNotFound | StorageFailure>>;
}
