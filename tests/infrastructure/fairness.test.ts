import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Storage } from "../../src/application/ports/storage.ts";
import type { PostId } from "../../src/domain/shared/id.ts";
import { NEWEST_FIRST } from "../../src/domain/post/post-list.ts";
import { aPublishedPost, aUser, past, EVERY_DRAFT } from "../../src/testing/fixtures.ts";
import { pglite } from "../support/test-storage.ts";

/** More than the engine runs concurrently, so that some wait in the admission queue. */
const LISTERS = 400;
const LOOKUPS = 20;
const CURSORS = 50;
const AFTER_ALL_POSTS = Date.parse("2100-01-01T00:00:00Z");

describe("lookups during a continuous load of lists", () => {
  let opened: Awaited<ReturnType<typeof pglite.open>>;
  let storage: Storage;
  const ids: PostId[] = [];

  beforeAll(async () => {
    opened = await pglite.open();
    storage = await opened.empty();
    const author = aUser();
    (await storage.users.insert(author))._unsafeUnwrap();
    for (let index = 0; index < 2 * CURSORS; index++) {
      const post = aPublishedPost(author.id);
      (await storage.posts.insert(post))._unsafeUnwrap();
      ids.push(post.id);
    }
  });
  afterAll(async () => opened.close());

  it("wait only for lists that were requested before them", async () => {
    const over = new AbortController();
    let listed = 0;
    let requested = 0;
    const listers = Array.from({ length: LISTERS }, async (_, lister) => {
      for (let page = lister; !over.signal.aborted; page++) {
        const from = past(ids[CURSORS + (page % CURSORS)] as PostId);
        // No two lists are equal, because equal lists share one statement or come from the cache.
        const published = { authorId: null, after: null, before: new Date(AFTER_ALL_POSTS + requested++) };
        (await storage.posts.list({ published, drafts: null }, NEWEST_FIRST, { limit: 20, from }))._unsafeUnwrap();
        listed++;
      }
    });
    const waitedFor: number[] = [];
    for (let lookup = 0; lookup < LOOKUPS; lookup++) {
      const before = listed;
      (await storage.posts.findById(ids[lookup] as PostId, EVERY_DRAFT))._unsafeUnwrap();
      waitedFor.push(listed - before);
    }
    over.abort();
    await Promise.all(listers);
    expect(listed).toBeGreaterThan(LOOKUPS);
    // The running lists, and the lists that were requested in the same turn of the event loop as the lookup.
    expect(Math.max(...waitedFor)).toBeLessThanOrEqual(2 * LISTERS);
  });
});
