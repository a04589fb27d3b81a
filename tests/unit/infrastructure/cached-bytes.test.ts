import { describe, expect, it } from "vitest";
import type { UserId } from "../../../src/domain/shared/id.ts";
import {
  bytesOfFoundPost,
  bytesOfListedPost,
  bytesOfPage,
  bytesOfPost,
} from "../../../src/infrastructure/storage/cached-bytes.ts";
import { aDraft, nextId } from "../../../src/testing/fixtures.ts";

const empty = aDraft(nextId<UserId>(), { title: "T", content: "" });
const postWith = (content: string) => ({ ...empty, content: content as typeof empty.content });

describe("estimated memory of the cache", () => {
  it.each([
    ["an ASCII character", "x", 2, 2],
    ["a character of two bytes of UTF-8", "é", 4, 4],
    ["a character of three bytes of UTF-8", "語", 4, 5],
  ])("counts %s of a content and of its JSON", (_, character, ofPost, ofListedPost) => {
    const [thousand, twoThousand] = [postWith(character.repeat(1_000)), postWith(character.repeat(2_000))];
    expect(bytesOfPost(twoThousand) - bytesOfPost(thousand)).toBe(1_000 * ofPost);
    expect(bytesOfListedPost(twoThousand) - bytesOfListedPost(thousand)).toBe(1_000 * ofListedPost);
  });

  it("counts each post of a page once", () => {
    const post = postWith("x".repeat(1_000));
    const [one, three] = [bytesOfPage([post], bytesOfListedPost), bytesOfPage([post, post, post], bytesOfListedPost)];
    expect(three - one).toBe(2 * bytesOfListedPost(post));
  });

  it("counts the parts of an excerpt, and the JSON of their text", () => {
    const post = { ...postWith("x".repeat(1_000)), rank: 1 };
    const parts = [
      { text: "xx", isMatch: true },
      { text: "xxx", isMatch: false },
    ];
    const ofParts = bytesOfFoundPost({ ...post, excerpt: parts }) - bytesOfFoundPost({ ...post, excerpt: [] });
    expect(ofParts).toBe(2 * 64 + 4 * 5);
  });
});
