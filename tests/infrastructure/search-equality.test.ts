import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseSearchQuery } from "../../src/domain/search/search-query.ts";
import type { Storage } from "../../src/application/ports/storage.ts";
import { aDraft, aPublishedPost, aUser, EVERY_POST, PUBLISHED_POSTS } from "../../src/testing/fixtures.ts";
import { memory, pglite } from "../support/test-storage.ts";

/** More posts have each of the frequent words than a pass keeps. */
const POSTS = 600;

const frequent = fc.constantFrom("harbour", "green", "steam", "engine");
const word = fc.oneof(
  { weight: 3, arbitrary: frequent },
  fc.constantFrom("harbours", "engineer", "of", "e-mail", "email", "C++", "x"),
);
const words = (maxLength: number) => fc.array(word, { minLength: 1, maxLength }).map((all) => all.join(" "));
const post = fc.record({
  title: fc.oneof({ weight: 3, arbitrary: fc.constant("Other") }, words(3)),
  content: words(6),
  isDraft: fc.nat(9).map((n) => n === 0),
});
const part = fc.oneof(
  { weight: 4, arbitrary: word },
  word.map((text) => text.slice(0, 3)),
  word.map((text) => `-${text}`),
  fc.tuple(word, word).map(([first, second]) => `"${first} ${second}"`),
  word.map((text) => `or ${text}`),
);
const query = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(" "));

describe("a search on the embedded engine", () => {
  let opened: readonly Awaited<ReturnType<typeof memory.open>>[];
  let storages: readonly Storage[];

  beforeAll(async () => {
    opened = [await memory.open(), await pglite.open()];
    storages = await Promise.all(opened.map(async (storage) => storage.empty()));
    const author = aUser();
    for (const { users } of storages) (await users.insert(author))._unsafeUnwrap();
    for (const { isDraft, ...texts } of fc.sample(post, { numRuns: POSTS, seed: 1 })) {
      const written = isDraft ? aDraft(author.id, texts) : aPublishedPost(author.id, texts);
      for (const { posts } of storages) (await posts.insert(written))._unsafeUnwrap();
    }
  });
  afterAll(async () => void (await Promise.all(opened.map(async (storage) => storage.close()))));

  it("has the hits, the order and the total of the search in memory", async () => {
    await fc.assert(
      fc.asyncProperty(query, fc.boolean(), fc.boolean(), async (raw, isCounted, hasDrafts) => {
        const parsed = parseSearchQuery(raw);
        fc.pre(parsed.isOk());
        const results = storages.map(async ({ posts }) => {
          const filter = hasDrafts ? EVERY_POST : PUBLISHED_POSTS;
          const page = { limit: 100, from: null, isCounted };
          const found = (await posts.search(filter, parsed._unsafeUnwrap(), page))._unsafeUnwrap();
          return { ...found, items: found.items.map(({ id, rank }) => `${id} ${rank}`) };
        });
        const [expected, actual] = await Promise.all(results);
        expect(actual).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });
});
