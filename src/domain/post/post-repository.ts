import type { Result } from "neverthrow";
import type { BatchLimits } from "../shared/batch.ts";
import type { AbortSignal } from "../shared/abort-signal.ts";
import type { PostId, UserId } from "../shared/id.ts";
import type { IdempotencyKeyInUse, IdempotencyRecord } from "../shared/idempotency-record.ts";
import type { CountedPage } from "../shared/page.ts";
import type { StorageFailure } from "../shared/storage-failure.ts";
import type { AccountQuotaExceeded } from "../shared/storage-quota.ts";
import type { Version, VersionConflict } from "../shared/version.ts";
import type { Post, PostStatus } from "./post.ts";
import type { DraftFilter, PostFilter, PostPageRequest, PostSort } from "./post-list.ts";
import type { SearchPage } from "../search/found-post.ts";
import type { SearchQuery } from "../search/search-query.ts";

export interface PostNotFound {
  readonly kind: "post_not_found";
}

/** No user has the id that the post names as its author. */
export interface AuthorNotFound {
  readonly kind: "author_not_found";
}

/** A cursor through the posts of an author: the last post of a batch. The next batch starts after it. */
export interface BatchCursor {
  readonly status: PostStatus;
  readonly id: PostId;
}

/** A new post and the replay record of the request that creates it. The record belongs to the author of the post. */
export interface RecordedPost {
  readonly post: Post;
  readonly record: IdempotencyRecord;
}

/**
 * The posts of a storage. A read may return the same post or page to many callers, who must not change it or its dates. A read takes
 * the signal of its request: once it is aborted, a statement that has not begun is skipped, and the read fails with the reason
 * `cancelled`.
 */
export interface PostRepository {
  /**
   * Stores a new post. A {@link RecordedPost} and its record are stored both or neither; an expired record with the same key is
   * replaced. Fails with
   *
   * - `author_not_found` when no user has `post.authorId`,
   * - `account_quota_exceeded` when the account would exceed its quota,
   * - `idempotency_key_in_use` when the key of the record is claimed, or has a record that had not expired when this one was
   *   created.
   */
  insert(
    post: Post | RecordedPost,
  ): Promise<Result<void, AuthorNotFound | AccountQuotaExceeded | IdempotencyKeyInUse | StorageFailure>>;

  /**
   * Finds a post that is published or that `drafts` contains; fails with `post_not_found` otherwise. A draft outside `drafts`
   * is excluded before its content is read, so that the response time does not reveal that it exists.
   */
  findById(
    id: PostId,
    drafts: DraftFilter | null,
    signal?: AbortSignal,
  ): Promise<Result<Post, PostNotFound | StorageFailure>>;

  /** Whether the author has a published post. */
  hasPublished(authorId: UserId, signal?: AbortSignal): Promise<Result<boolean, StorageFailure>>;

  /**
   * Reads a page of the posts that the filter contains, in the order of `sort`. A page ends early at `MAX_PAGE_JSON_BYTES`,
   * counted in the direction of its cursor.
   */
  list(
    filter: PostFilter,
    sort: PostSort,
    page: PostPageRequest,
    signal?: AbortSignal,
  ): Promise<Result<CountedPage<Post>, StorageFailure>>;

  /**
   * Reads a page of the posts that match the query, best first, and newest first among equal ranks. It runs the passes of
   * `searchPasses`, ranks their hits by `rankHits`, and takes excerpts by `excerptOf`, so that every adapter has the same results.
   * An adapter may bound the posts that it reads, from the newest on. `total` counts the posts that the passes found. A page ends
   * early as in `list`.
   */
  search(
    filter: PostFilter,
    query: SearchQuery,
    page: PostPageRequest,
    signal?: AbortSignal,
  ): Promise<Result<SearchPage, StorageFailure>>;

  /**
   * Replaces the post if the stored version is `expected`. Fails with
   *
   * - `version_conflict` if the post has another version,
   * - `post_not_found` when there is none,
   * - `author_not_found` when no user has `post.authorId`,
   * - `account_quota_exceeded` when the post grows and the account would exceed its quota.
   */
  update(
    post: Post,
    expected: Version,
  ): Promise<Result<void, PostNotFound | VersionConflict | AuthorNotFound | AccountQuotaExceeded | StorageFailure>>;

  /** Deletes the post if the stored version is `expected`; fails with `version_conflict` or `post_not_found`. */
  delete(id: PostId, expected: Version): Promise<Result<void, PostNotFound | VersionConflict | StorageFailure>>;

  /** Deletes a batch of the author's posts after the cursor. Returns the next cursor; `null` when no post was left. */
  deleteByAuthor(
    authorId: UserId,
    limits: BatchLimits,
    after: BatchCursor | null,
  ): Promise<Result<BatchCursor | null, StorageFailure>>;

  /**
   * Reassigns a batch of the posts of `from` after the cursor to the user `to`. Each post gets the next version and the update
   * time `now`. The quota of `to` does not apply. Returns the next cursor; `null` when no post was left. Fails with
   * `author_not_found` when no user has the id `to` and there is a post to reassign.
   */
  reassign(
    from: UserId,
    to: UserId,
    now: Date,
    limits: BatchLimits,
    after: BatchCursor | null,
  ): Promise<Result<BatchCursor | null, AuthorNotFound | StorageFailure>>;
}
