import type { Post } from "../../domain/post/post.ts";
import type { FoundPost } from "../../domain/search/found-post.ts";

/**
 * The memory of a cached post without its texts: the post, its ids and dates, the metadata in its JSON, and the entry of the
 * cache. Measured on Node 20: 630 bytes.
 */
const POST_BYTES = 768;
/** The memory of a cached page without its posts: its key, its cursors, its headers and the entry of the cache. */
const PAGE_BYTES = 2_048;
/** The memory of a part of an excerpt without its text. Its text is part of the content, and the JSON has a copy. */
const EXCERPT_PART_BYTES = 64;
/**
 * Estimates the memory of a post and of its JSON, which the HTTP layer keeps as long as the post. V8 stores a text with one or
 * two bytes for each UTF-16 code unit.
 */
export function bytesOfPost({ title, content }: Post): number {
  const units = title.length + content.length;
  const isAscii = Buffer.byteLength(title) + Buffer.byteLength(content) === units;
  return POST_BYTES + 2 * units * (isAscii ? 1 : 2);
}

/** A found post also has an excerpt, and its JSON a copy of it. */
export function bytesOfFoundPost(post: FoundPost): number {
  const units = post.excerpt.reduce((sum, { text }) => sum + text.length, 0);
  return bytesOfPost(post) + EXCERPT_PART_BYTES * post.excerpt.length + 4 * units;
}

/** Estimates the memory of a page: its posts, which may not be cached by id, their JSON, and the JSON of the page. */
export function bytesOfPage<Item>(items: readonly Item[], bytesOf: (item: Item) => number): number {
  return items.reduce((bytes, item) => bytes + 2 * bytesOf(item), PAGE_BYTES);
}
