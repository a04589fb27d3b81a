import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseSearchQuery } from "../domain/search/search-query.ts";
import { aPublishedPost, aUser, PUBLISHED_POSTS } from "../testing/fixtures.ts";
import { EXCERPT_CASES, SEARCH_CASES, SEARCH_CORPUS } from "./search-corpus.ts";
import type { Storage } from "../application/ports/storage.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";

/** Every adapter finds the same posts of one corpus, in the same order and with the same excerpts. */
export function searchLanguagesContract(adapter: StorageUnderTest): void {
  describe(`PostRepository.search of many languages on ${adapter.name}`, () => {
    let opened: Awaited<ReturnType<StorageUnderTest["open"]>>;
    let storage: Storage;

    beforeAll(async () => {
      opened = await adapter.open();
      storage = await opened.empty();
      const author = aUser();
      (await storage.users.insert(author))._unsafeUnwrap();
      for (const post of SEARCH_CORPUS) (await storage.posts.insert(aPublishedPost(author.id, post)))._unsafeUnwrap();
    });
    afterAll(async () => opened.close());

    const search = async (query: string) => {
      const parsed = parseSearchQuery(query)._unsafeUnwrap();
      return (await storage.posts.search(PUBLISHED_POSTS, parsed, { limit: 100, from: null }))._unsafeUnwrap().items;
    };

    it.each(SEARCH_CASES)("finds by %s in this order: %j", async (query, titles) => {
      expect((await search(query)).map(({ title }) => title)).toEqual(titles);
    });

    it.each(EXCERPT_CASES)("marks the matches of %s: %s", async (query, expected) => {
      const [best] = await search(query);
      expect(best?.excerpt.map(({ text, isMatch }) => (isMatch ? `[${text}]` : text)).join("")).toBe(expected);
    });
  });
}
