import { describe, expect, it } from "vitest";
import { isSortKey, POST_SORT_KEYS, sortKey, type PostSort } from "../../../src/domain/post/post-list.ts";
import { aDraft, aPublishedPost, aUser } from "../../../src/testing/fixtures.ts";

const sortedBy = (by: PostSort["by"]): PostSort => ({ by, descending: true });

describe("the sort key of a post", () => {
  it.each(POST_SORT_KEYS)("is a valid key of the sort by %s", (by) => {
    const post = aPublishedPost(aUser().id);
    expect(isSortKey(sortKey(post, sortedBy(by)), sortedBy(by))).toBe(true);
  });

  it.each(["\u0001", "\u202egnp.exe", "\u200b", " ", "a\nb"])(
    "is a valid key of the sort by title for the title %j, which an earlier rule accepted",
    (title) => {
      const post = aPublishedPost(aUser().id, { title });
      expect(isSortKey(sortKey(post, sortedBy("title")), sortedBy("title"))).toBe(true);
    },
  );

  it("is null for a draft in the sort by time of publication", () => {
    const draft = aDraft(aUser().id);
    expect(sortKey(draft, sortedBy("published"))).toBeNull();
  });

  it.each<[PostSort["by"], string | null]>([
    ["created", "2026-11-25T09:00:00.000Z"],
    ["updated", null],
    ["updated", "yesterday"],
    ["updated", "2026-13-25T09:00:00.000Z"],
    ["updated", "2026-11-25T09:00:00Z"],
    ["published", "0000-01-01T00:00:00.000Z"],
    ["published", "+012026-01-01T00:00:00.000Z"],
    ["title", null],
    ["title", ""],
    ["title", "a".repeat(301)],
  ])("of the sort by %s is never %j", (by, key) => {
    expect(isSortKey(key, sortedBy(by))).toBe(false);
  });
});
