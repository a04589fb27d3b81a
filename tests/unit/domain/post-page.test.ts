import { describe, expect, it } from "vitest";
import type { UserId } from "../../../src/domain/shared/id.ts";
import { toFoundPostPage, toPostPage } from "../../../src/domain/post/post-page.ts";
import type { ExcerptPart } from "../../../src/domain/search/excerpt.ts";
import { aPublishedPost, aUser } from "../../../src/testing/fixtures.ts";

const WHOLE_LIST = { limit: 100, from: null } as const;
const NO_KEY = () => null;
/** Two posts with content of this size fit after the first post of a page, and leave less than the JSON of two long excerpts. */
const CONTENT_BYTES = 519_000;
/** The JSON of a quotation mark in HTML has 6 bytes. */
const LONG_EXCERPT = [{ text: '"'.repeat(1_000), isMatch: false }];

/** Each match is between two tags of 13 bytes together. */
const EXCERPT_OF_MATCHES = Array.from({ length: 200 }, () => ({ text: "a", isMatch: true }));

const publishedPost = (authorId: UserId) => aPublishedPost(authorId, { content: "a".repeat(CONTENT_BYTES) });

describe("a page of posts", () => {
  const author = aUser().id;
  const posts = [publishedPost(author), publishedPost(author), publishedPost(author)];
  const found = (text: readonly ExcerptPart[]) => posts.map((post) => ({ ...post, rank: 1, excerpt: text }));

  it("ends before the post whose excerpt would exceed 1 MiB of JSON after the first post", () => {
    expect(toFoundPostPage(found(LONG_EXCERPT), WHOLE_LIST, NO_KEY).items).toHaveLength(2);
  });

  it("ends before the post whose tags of matches would exceed 1 MiB of JSON after the first post", () => {
    expect(toFoundPostPage(found(EXCERPT_OF_MATCHES), WHOLE_LIST, NO_KEY).items).toHaveLength(2);
  });

  it("has all posts that fit into 1 MiB of JSON after the first, without an excerpt", () => {
    expect(toFoundPostPage(found([]), WHOLE_LIST, NO_KEY).items).toHaveLength(3);
    expect(toPostPage(posts, WHOLE_LIST, NO_KEY).items).toHaveLength(3);
  });
});
