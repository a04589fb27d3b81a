import type { Result } from "neverthrow";
import type { BatchLimits } from "../shared/batch.ts";
import type { PostId, UserId } from "../shared/id.ts";
import type { IdempotencyKeyInUse, IdempotencyRecord } from "../shared/idempotency-record.ts";
import { pageOf, type Page, type PageRequest } from "../shared/page.ts";
import { isStoredTitle, type Post, type PostStatus } from "./post.ts";
import type { FoundPost, SearchQuery } from "./post-search.ts";
import type { StorageFailure } from "../shared/storage-failure.ts";
import type { AccountQuotaExceeded } from "../shared/storage-quota.ts";
import { jsonByteLength, MAX_JSON_BYTES_PER_UNIT } from "../shared/text.ts";
import { titleSortKey } from "./title-key.ts";
import type { Version, VersionConflict } from "../shared/version.ts";

export interface PostNotFound {
  readonly kind: "post_not_found";
}

/** No user has the id that the post names as its author. */
export interface AuthorNotFound {
  readonly kind: "author_not_found";
}

/** Which posts a list shows: of the published ones and of the drafts those of an author, of everybody, or none. */
export interface PostFilter {
  /** `after` and `before` bound when they were published; neither is in it. */
  readonly published: {
    readonly authorId: UserId | null;
    readonly after: Date | null;
    readonly before: Date | null;
  } | null;
  readonly drafts: DraftFilter | null;
}

/** The drafts of an author, or of everybody. */
export interface DraftFilter {
  readonly authorId: UserId | null;
}

/** Whether a post is published, or one of these drafts. */
export function isVisible(post: Pick<Post, "status" | "authorId">, drafts: DraftFilter | null): boolean {
  return post.status === "published" || (drafts !== null && (drafts.authorId ?? post.authorId) === post.authorId);
}

export const POST_SORT_KEYS = ["created", "updated", "published", "title"] as const;

/**
 * The order of a list, equal ones by their ids: when a post was created, which its id tells; when it was last updated; when
 * it was published, where the filter must show no drafts; or its title, by {@link titleSortKey}.
 */
export interface PostSort {
  readonly by: (typeof POST_SORT_KEYS)[number];
  readonly descending: boolean;
}

export const NEWEST_FIRST: PostSort = { by: "created", descending: true };

/** What a post has its place by in a list, as text whose order by code points is that of the list. */
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
 * Whether a text, or its absence, is a key that {@link sortKey} could have given. A key of a title has the bounds of a title,
 * whichever rule has made it: a cursor from before a rule changed, or of a post whose key is not renewed yet, goes on.
 */
export function isSortKey(key: string | null, { by }: PostSort): boolean {
  if (key === null || by === "created") return key === null && by === "created";
  return by === "title" ? isStoredTitle(key) : isMoment(key);
}

/** Whether a text is a time as JavaScript writes it, of a year that PostgreSQL reads in it. */
function isMoment(text: string): boolean {
  const time = new Date(text);
  return /^(?!0000)\d{4}-/.test(text) && !Number.isNaN(time.getTime()) && time.toISOString() === text;
}

/**
 * The size of a page is the size of its JSON: beyond its first post, which is always on it, a page has at most so many
 * bytes and ends early before the post that would bring more. It is counted on whole posts, with their authors and
 * excerpts, whatever an answer leaves out of them: so it bounds what is read as well as what is sent, and a list has the
 * same pages however much of each post is shown.
 */
export const MAX_PAGE_JSON_BYTES = 1_048_576;

/**
 * The JSON of a post beside its title, content and excerpt: 290 bytes of ids, times and the names of fields, and the
 * author with a name of 100 characters, each an escape of six bytes at most.
 */
const MAX_OTHER_JSON_BYTES = 1_024;
/** The JSON of a page beside its posts: two cursors, which have keys of titles of 300 characters in them, and the count. */
const MAX_ENVELOPE_JSON_BYTES = 4_096;
/** An excerpt is HTML: no character becomes longer in it than `&quot;`, and a match is between tags. */
const MAX_TAG_BYTES = "<mark></mark>".length;

/**
 * The page of posts that were read from a place, further than the limit, as far as something can be on it. `keyOf` gives
 * what the list is sorted by.
 */
export function pageOfPosts<Item extends Post>(
  read: readonly Item[],
  { limit, from }: PageRequest<PostId>,
  keyOf: (item: Item) => string | null,
): Page<Item> {
  return pageOf(read, Math.min(limit, countWithinBound(read)), from, keyOf);
}

/** How many of the posts are on one page, from the first on. */
function countWithinBound(read: readonly (Post | FoundPost)[]): number {
  const beyondFirst = read.slice(1);
  // Most pages are far from the bound, and need no look at each character.
  if (MAX_ENVELOPE_JSON_BYTES + sum(beyondFirst, maxJsonBytes) <= MAX_PAGE_JSON_BYTES) return read.length;
  let bytes = MAX_ENVELOPE_JSON_BYTES;
  const full = beyondFirst.findIndex((post) => {
    bytes += jsonBytes(post);
    return bytes > MAX_PAGE_JSON_BYTES;
  });
  return full === -1 ? read.length : full + 1;
}

function jsonBytes(post: Post | FoundPost): number {
  return MAX_OTHER_JSON_BYTES + maxExcerptBytes(post) + jsonByteLength(post.title) + jsonByteLength(post.content);
}

/** No less than {@link jsonBytes}, without reading the text. */
function maxJsonBytes(post: Post | FoundPost): number {
  const units = post.title.length + post.content.length;
  return MAX_OTHER_JSON_BYTES + maxExcerptBytes(post) + MAX_JSON_BYTES_PER_UNIT * units;
}

function maxExcerptBytes(post: Post | FoundPost): number {
  if (!("excerpt" in post)) return 0;
  return sum(post.excerpt, ({ text }) => MAX_TAG_BYTES + MAX_JSON_BYTES_PER_UNIT * text.length);
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** The last post of a batch of an author's posts: the next batch begins past it. */
export interface PostPlace {
  readonly status: PostStatus;
  readonly id: PostId;
}

/** A new post and the record of the request that creates it. The record belongs to the author of the post. */
export interface RecordedPost {
  readonly post: Post;
  readonly record: IdempotencyRecord;
}

export interface PostRepository {
  /**
   * Stores a new post; a {@link RecordedPost} together with its record: both or neither. Fails with `author_not_found` when
   * no user has `post.authorId`, with `account_quota_exceeded` when the account would exceed its quota, and with
   * `idempotency_key_in_use` when the key of the record is claimed, or has a record that had not expired when this one was
   * created. A record that had expired is replaced.
   */
  insert(
    post: Post | RecordedPost,
  ): Promise<Result<void, AuthorNotFound | AccountQuotaExceeded | IdempotencyKeyInUse | StorageFailure>>;

  /**
   * The post, where it is published or `drafts` has it; fails with `post_not_found` otherwise. A draft that `drafts` does
   * not have is decided on without its content, so that it costs what no post costs: time tells nothing of it.
   */
  findById(id: PostId, drafts: DraftFilter | null): Promise<Result<Post, PostNotFound | StorageFailure>>;

  /** Whether any post of the author is published. */
  hasPublished(authorId: UserId): Promise<Result<boolean, StorageFailure>>;

  /**
   * A page ends early at {@link MAX_PAGE_JSON_BYTES}, counted in the direction of its going. `page.from` is of a page
   * of the same filter and sort.
   */
  list(filter: PostFilter, sort: PostSort, page: PageRequest<PostId>): Promise<Result<Page<Post>, StorageFailure>>;

  /** How many posts a list with this filter has in all, or where there is a query a search for it. */
  count(filter: PostFilter, query: SearchQuery | null): Promise<Result<number, StorageFailure>>;

  /**
   * The posts that answer the query, best first, equally good ones newest first: those that have all its words, and after
   * them those whose title has similar ones. Of those that have the words the newest thousand are ranked, and of
   * words that very many have only the newest posts are looked through. A page ends early as a list's does, and its
   * places have the ranks of posts as keys.
   */
  search(
    filter: PostFilter,
    query: SearchQuery,
    page: PageRequest<PostId>,
  ): Promise<Result<Page<FoundPost>, StorageFailure>>;

  /**
   * Replaces the post if the stored version is `expected`. Fails with `version_conflict` if it is another, with
   * `post_not_found` when there is none, with `author_not_found` when no user has `post.authorId`, and with
   * `account_quota_exceeded` when it is longer than before and the account would have stored more than its quota.
   */
  update(
    post: Post,
    expected: Version,
  ): Promise<Result<void, PostNotFound | VersionConflict | AuthorNotFound | AccountQuotaExceeded | StorageFailure>>;

  /** Removes the post if the stored version is `expected`; fails with `version_conflict` or `post_not_found`. */
  delete(id: PostId, expected: Version): Promise<Result<void, PostNotFound | VersionConflict | StorageFailure>>;

  /** Removes a batch of the author's posts past a place; gives the place of the last, `null` when there was none. */
  deleteByAuthor(
    authorId: UserId,
    limits: BatchLimits,
    past: PostPlace | null,
  ): Promise<Result<PostPlace | null, StorageFailure>>;

  /**
   * Gives a batch of the posts of `from` past a place to `to`, each one version on and updated at `now`, whatever the quota of
   * `to` is; gives the place of the last, `null` when there was none. Fails with `author_not_found` when no user has the id
   * `to` and there is a post to give.
   */
  reassign(
    from: UserId,
    to: UserId,
    now: Date,
    limits: BatchLimits,
    past: PostPlace | null,
  ): Promise<Result<PostPlace | null, AuthorNotFound | StorageFailure>>;
}
