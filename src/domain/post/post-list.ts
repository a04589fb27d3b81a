import type { PostId, UserId } from "../shared/id.ts";
import type { CountedPageRequest } from "../shared/page.ts";
import { isStoredTitle, type Post, type PostStatus } from "./post.ts";
import type { SearchQuery } from "../search/search-query.ts";
import { titleSortKey } from "./title-key.ts";

/** The criteria that a viewer gives for a list of posts; `null` means no restriction. */
interface PostCriteria {
  readonly authorId: UserId | null;
  readonly status: PostStatus | null;
  /** Exclusive bounds of the time of publication. A draft has no such time, so a bound excludes all drafts. */
  readonly publishedAfter: Date | null;
  readonly publishedBefore: Date | null;
}

/** A request for posts in the given order. */
export interface PostListQuery extends PostCriteria {
  readonly kind: "list";
  readonly sort: PostSort;
}

/** A request for the posts that match a search, best first. */
export interface PostSearchQuery extends PostCriteria {
  readonly kind: "search";
  readonly search: SearchQuery;
}

export type PostQuery = PostListQuery | PostSearchQuery;

/** The posts that a list contains: published posts, drafts, or both. Each part is limited to one author, or has all (`null`). */
export interface PostFilter {
  /** `after` and `before` are exclusive bounds of the time of publication. */
  readonly published: {
    readonly authorId: UserId | null;
    readonly after: Date | null;
    readonly before: Date | null;
  } | null;
  readonly drafts: DraftFilter | null;
}

/** The drafts of one author, or all drafts (`null`). */
export interface DraftFilter {
  readonly authorId: UserId | null;
}

/** True for a published post, and for a draft that `drafts` contains. */
export function isVisible(post: Pick<Post, "status" | "authorId">, drafts: DraftFilter | null): boolean {
  return post.status === "published" || (drafts !== null && (drafts.authorId ?? post.authorId) === post.authorId);
}

export const POST_SORT_KEYS = ["created", "updated", "published", "title"] as const;

/**
 * The order of a list. Posts with equal keys are ordered by their ids.
 *
 * - `created`: by id, since UUIDv7s grow with time.
 * - `updated`: by the time of the last update.
 * - `published`: by the time of publication; the filter must exclude drafts.
 * - `title`: by {@link titleSortKey}.
 */
export interface PostSort {
  readonly by: (typeof POST_SORT_KEYS)[number];
  readonly descending: boolean;
}

export const NEWEST_FIRST: PostSort = { by: "created", descending: true };

/** The request for one page of posts. Its cursor comes from a page of the same filter and sort, or of the same search. */
export type PostPageRequest = CountedPageRequest<PostId>;

/** The sort key of a post, as text. Keys are compared by code points. `null` for a list that is sorted by id alone. */
export function sortKey(post: Post, { by }: PostSort): string | null {
  switch (by) {
    case "created":
      return null;
    case "updated":
      return post.updatedAt.toISOString();
    case "published":
      return post.publishedAt?.toISOString() ?? null;
    case "title":
      return titleSortKey(post.title);
  }
}

/**
 * Whether {@link sortKey} could have returned this key. It rejects forged cursors. The key of a title is checked only by the
 * bounds of a title, so that a cursor stays valid when the rule for keys changes.
 */
export function isSortKey(key: string | null, { by }: PostSort): boolean {
  if (key === null || by === "created") return key === null && by === "created";
  return by === "title" ? isStoredTitle(key) : isTimestamp(key);
}

/** Whether a text has the format of `Date.prototype.toISOString`, with a year from 1 to 9999. */
function isTimestamp(text: string): boolean {
  const time = new Date(text);
  return /^(?!0000)\d{4}-/.test(text) && !Number.isNaN(time.getTime()) && time.toISOString() === text;
}
