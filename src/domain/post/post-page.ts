import { toPage, type Page, type PageRequest } from "../shared/page.ts";
import { jsonByteLength, MAX_JSON_BYTES_PER_UNIT } from "../shared/text.ts";
import type { PostId } from "../shared/id.ts";
import type { Post } from "./post.ts";
import type { ExcerptPart } from "../search/excerpt.ts";
import type { FoundPost } from "../search/found-post.ts";

/**
 * The bound on the JSON of a page after its first post, in bytes. A page always has its first post, which is not counted; it ends
 * before the post that would exceed the bound. Whole posts are measured, with their authors and excerpts, even when the response
 * omits fields. So the bound also limits the reads of the storage, and the selected fields do not move the page boundaries.
 */
export const MAX_PAGE_JSON_BYTES = 1_048_576;

/**
 * The JSON of a post without its title, content and excerpt: 290 bytes of ids, times and field names, and an author's name of
 * 100 characters, each an escape of six bytes at most.
 */
const MAX_METADATA_JSON_BYTES = 1_024;
/** The JSON of a page without its posts: the count, and two cursors that may each contain a title key of 300 characters. */
const MAX_ENVELOPE_JSON_BYTES = 4_096;
/** An excerpt is HTML: no escape of a character is longer than `&quot;`, and each match is between two tags. */
const MAX_TAG_BYTES = "<mark></mark>".length;

const NO_EXCERPT: readonly ExcerptPart[] = [];

/**
 * Makes a page of posts, within {@link MAX_PAGE_JSON_BYTES}.
 *
 * @param rows Rows after the cursor in its direction. If the list continues, there is one more than `limit`, or enough rows to
 *   exceed the bound.
 * @param keyOf Returns the sort key of a post.
 */
export function toPostPage(
  rows: readonly Post[],
  request: PageRequest<PostId>,
  keyOf: (post: Post) => string | null,
): Page<Post> {
  return pageWithin(rows, request, keyOf, () => NO_EXCERPT);
}

/** Makes a page of found posts, within {@link MAX_PAGE_JSON_BYTES}. */
export function toFoundPostPage(
  rows: readonly FoundPost[],
  request: PageRequest<PostId>,
  keyOf: (post: FoundPost) => string | null,
): Page<FoundPost> {
  return pageWithin(rows, request, keyOf, ({ excerpt }) => excerpt);
}

function pageWithin<Item extends Post>(
  rows: readonly Item[],
  { limit, from }: PageRequest<PostId>,
  keyOf: (post: Item) => string | null,
  excerptOf: (post: Item) => readonly ExcerptPart[],
): Page<Item> {
  return toPage(rows, Math.min(limit, countWithinBound(rows, excerptOf)), from, keyOf);
}

/** Counts the posts that fit on one page, from the first on. */
function countWithinBound<Item extends Post>(
  rows: readonly Item[],
  excerptOf: (post: Item) => readonly ExcerptPart[],
): number {
  const afterFirst = rows.slice(1);
  // Most pages are far below the bound, and this check reads no text.
  const upperBound = (post: Item) =>
    MAX_JSON_BYTES_PER_UNIT * (post.title.length + post.content.length) + maxOtherBytes(excerptOf(post));
  if (MAX_ENVELOPE_JSON_BYTES + sum(afterFirst, upperBound) <= MAX_PAGE_JSON_BYTES) return rows.length;
  let bytes = MAX_ENVELOPE_JSON_BYTES;
  const full = afterFirst.findIndex((post) => {
    bytes += jsonByteLength(post.title) + jsonByteLength(post.content) + maxOtherBytes(excerptOf(post));
    return bytes > MAX_PAGE_JSON_BYTES;
  });
  return full === -1 ? rows.length : full + 1;
}

/** The maximum number of JSON bytes of a post, without its title and content. */
function maxOtherBytes(excerpt: readonly ExcerptPart[]): number {
  return MAX_METADATA_JSON_BYTES + sum(excerpt, ({ text }) => MAX_TAG_BYTES + MAX_JSON_BYTES_PER_UNIT * text.length);
}

function sum<Item>(items: readonly Item[], valueOf: (item: Item) => number): number {
  return items.reduce((total, item) => total + valueOf(item), 0);
}
