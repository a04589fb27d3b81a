import { beforeEach, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import { NEWEST_FIRST, type PostFilter } from "../domain/post/post-list.ts";
import { parseSearchQuery } from "../domain/search/search-query.ts";
import type { Post } from "../domain/post/post.ts";
import type { UserId } from "../domain/shared/id.ts";
import { aDraft, aPublishedPost, aUser, EVERY_POST, NOW, postsOf, PUBLISHED_POSTS } from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";

/** More than the default and the maximum limit of a page in the API. */
const MANY = 130;
const MATCH = { title: "An engine of brass" };
const OTHER = { title: "A garden" };

const at = (ms: number) => new Date(NOW.getTime() + ms);

/** The total of a page is the number of posts in its whole list. */
export function postCountContract(adapter: StorageUnderTest): void {
  describe(`the total of a page of posts on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter);
    let storage: Storage;
    let author: UserId;
    let other: UserId;

    beforeEach(async () => {
      storage = await emptied();
      const users = [aUser(), aUser()] as const;
      for (const each of users) (await storage.users.insert(each))._unsafeUnwrap();
      [author, other] = [users[0].id, users[1].id];
    });

    const store = async (posts: readonly Post[]) => {
      const outcomes = await Promise.all(posts.map(async (post) => storage.posts.insert(post)));
      expect(outcomes.filter((outcome) => outcome.isErr())).toEqual([]);
    };
    const publishedAt = (ms: number, by = author) => ({ ...aPublishedPost(by, MATCH), publishedAt: at(ms) });

    const KINDS = {
      "a list": async (filter: PostFilter, limit = 1) =>
        (await storage.posts.list(filter, NEWEST_FIRST, { limit, from: null, isCounted: true }))._unsafeUnwrap().total,
      "a search": async (filter: PostFilter, limit = 1) => {
        const query = parseSearchQuery("engine")._unsafeUnwrap();
        return (await storage.posts.search(filter, query, { limit, from: null, isCounted: true }))._unsafeUnwrap()
          .total;
      },
    };

    describe.each(Object.entries(KINDS))("of %s", (_, total) => {
      it("counts exactly the drafts that the filter includes", async () => {
        await store([aDraft(author, MATCH), aDraft(author, MATCH), aDraft(other, MATCH), aPublishedPost(other, MATCH)]);
        expect(await total(EVERY_POST)).toBe(4);
        expect(await total(PUBLISHED_POSTS)).toBe(1);
        expect(await total({ ...PUBLISHED_POSTS, drafts: { authorId: author } })).toBe(3);
        expect(await total({ published: null, drafts: { authorId: author } })).toBe(2);
        expect(await total({ published: null, drafts: { authorId: other } })).toBe(1);
        expect(await total(postsOf(author))).toBe(2);
        expect(await total(postsOf(other))).toBe(2);
        expect(await total({ published: null, drafts: null })).toBe(0);
      });

      it("counts the posts that were published between the exclusive bounds", async () => {
        await store([publishedAt(0), publishedAt(1), publishedAt(2), publishedAt(3, other), aDraft(author, MATCH)]);
        const within = (after: number | null, before: number | null, authorId: UserId | null = null): PostFilter => ({
          published: {
            authorId,
            after: after === null ? null : at(after),
            before: before === null ? null : at(before),
          },
          drafts: null,
        });
        expect(await total(within(0, null))).toBe(3);
        expect(await total(within(null, 3))).toBe(3);
        expect(await total(within(0, 3))).toBe(2);
        expect(await total(within(0, null, author))).toBe(2);
        expect(await total(within(3, null))).toBe(0);
      });

      it("counts posts beyond the page, whatever the limit of the page", async () => {
        await store(Array.from({ length: MANY }, (__, i) => aPublishedPost(i % 2 === 0 ? author : other, MATCH)));
        for (const limit of [1, 20, 100]) expect(await total(PUBLISHED_POSTS, limit)).toBe(MANY);
        expect(await total(postsOf(author))).toBe(MANY / 2);
      });
    });

    it("counts only the posts that a search finds", async () => {
      await store([aPublishedPost(author, MATCH), aPublishedPost(author, OTHER), aDraft(author, OTHER)]);
      expect(await KINDS["a search"](EVERY_POST)).toBe(1);
      expect(await KINDS["a list"](EVERY_POST)).toBe(3);
    });
  });
}
