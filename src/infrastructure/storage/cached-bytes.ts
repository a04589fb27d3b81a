import type { Post } from "../../domain/post/post.ts";
import type { FoundPost } from "../../domain/search/found-post.ts";

/**
 * The memory of a cached post without its texts: the post, its ids and dates, the metadata in its JSON, and the entry of the
 * cache. Measured on Node 20: 630 bytes.
 */
const POST_BYTES = 768;
/**
 * The same for a post of a cached page: its metadata is in the JSON of the page. Measured on Node 20: a page of 20 posts of 1 KB
 * takes 61 to 70 KB, and a page of a search 92 KB.
 */
const LISTED_POST_BYTES = 1_024;
/** The memory of a cached page without its posts: its key, its cursors, its headers and the entry of the cache. */
const PAGE_BYTES = 2_048;
/** The memory of a part of an excerpt without its text. Its text is part of the content, and the JSON has a copy. */
const EXCERPT_PART_BYTES = 64;

/** Estimates the memory of a post and of its JSON, which the HTTP layer keeps as long as the post. */
export function bytesOfPost(post: Post): number {
  return POST_BYTES + 2 * sizeOfTexts(post).memory;
}

/** A post of a page, with its part of the JSON of the page, which is UTF-8. */
export function bytesOfListedPost(post: Post): number {
  const { memory, utf8 } = sizeOfTexts(post);
  return LISTED_POST_BYTES + memory + utf8;
}

/** A found post also has an excerpt, and the JSON a copy of it. */
export function bytesOfFoundPost(post: FoundPost): number {
  const units = post.excerpt.reduce((sum, { text }) => sum + text.length, 0);
  return bytesOfListedPost(post) + EXCERPT_PART_BYTES * post.excerpt.length + 4 * units;
}

/** Estimates the memory of a page and of its JSON, which the HTTP layer keeps as long as the page. */
export function bytesOfPage<Item>(items: readonly Item[], bytesOf: (item: Item) => number): number {
  return items.reduce((bytes, item) => bytes + bytesOf(item), PAGE_BYTES);
}

/** V8 stores a text with one or two bytes for each UTF-16 code unit. */
function sizeOfTexts({ title, content }: Post): { readonly memory: number; readonly utf8: number } {
  const units = title.length + content.length;
  const utf8 = Buffer.byteLength(title) + Buffer.byteLength(content);
  return { memory: utf8 === units ? units : 2 * units, utf8 };
}
