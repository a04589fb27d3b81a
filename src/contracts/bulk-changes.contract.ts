import type { Result } from "neverthrow";
import { beforeEach, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import type { BatchCursor } from "../domain/post/post-repository.ts";
import { NEWEST_FIRST } from "../domain/post/post-list.ts";
import type { Post } from "../domain/post/post.ts";
import type { UserId } from "../domain/shared/id.ts";
import { MAX_SESSIONS_PER_USER } from "../domain/session/session-repository.ts";
import {
  aDraft,
  ANY_BATCH,
  aPublishedPost,
  aRecord,
  aSession,
  aUser,
  LATER,
  NOW,
  postsOf,
} from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";
import { FIRST_VERSION } from "../domain/shared/version.ts";

/** More rows than an internal batch of an adapter. Only the limits of the caller may apply. */
const ROWS = 1_050;
/** A storage may refuse more calls at once. */
const CONCURRENT_INSERTS = 200;

const counted = <T>(make: (index: number) => T, count = ROWS) => Array.from({ length: count }, (_, i) => make(i));

/** Only the limits of the caller bound a bulk change. */
export function bulkChangesContract(adapter: StorageUnderTest): void {
  describe(`a bulk change on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter);
    let storage: Storage;
    let user: UserId;
    let other: UserId;

    beforeEach(async () => {
      storage = await emptied();
      const users = [aUser(), aUser()] as const;
      for (const each of users) (await storage.users.insert(each))._unsafeUnwrap();
      [user, other] = [users[0].id, users[1].id];
    });

    async function insertAll<T>(rows: readonly T[], insert: (row: T) => Promise<Result<void, unknown>>): Promise<void> {
      for (let start = 0; start < rows.length; start += CONCURRENT_INSERTS) {
        const outcomes = await Promise.all(rows.slice(start, start + CONCURRENT_INSERTS).map(insert));
        expect(outcomes.filter((outcome) => outcome.isErr())).toEqual([]);
      }
    }

    async function insertPosts(): Promise<void> {
      const posts: Post[] = counted((i) => (i % 2 === 0 ? aDraft(user) : aPublishedPost(user)));
      await insertAll(posts, async (post) => storage.posts.insert(post));
    }

    const isEmpty = async (author: UserId) =>
      (await storage.posts.list(postsOf(author), NEWEST_FIRST, { limit: 1, from: null }))._unsafeUnwrap().items
        .length === 0;

    it("deletes more than a thousand posts of an author in one call", async () => {
      await insertPosts();
      (await storage.posts.deleteByAuthor(user, ANY_BATCH, null))._unsafeUnwrap();
      expect(await isEmpty(user)).toBe(true);
    });

    it("reassigns more than a thousand posts in one call", async () => {
      await insertPosts();
      (await storage.posts.reassign(user, other, LATER, ANY_BATCH, null))._unsafeUnwrap();
      expect(await isEmpty(user)).toBe(true);
      let given = 0;
      for (let past: BatchCursor | null = null; ;) {
        const last: BatchCursor | null = (
          await storage.posts.deleteByAuthor(other, { ...ANY_BATCH, rows: 350 }, past)
        )._unsafeUnwrap();
        if (last === null) break;
        [given, past] = [given + 1, last];
      }
      expect(given).toBe(ROWS / 350);
    });

    it("deletes the maximum number of sessions of a user in one call", async () => {
      const sessions = counted(() => aSession(user), MAX_SESSIONS_PER_USER);
      await insertAll(sessions, async (session) => storage.sessions.insert(session, FIRST_VERSION));
      (await storage.sessions.deleteByUser(user, null))._unsafeUnwrap();
      expect((await storage.sessions.listByUser(user, NOW, { limit: 1, from: null }))._unsafeUnwrap().items).toEqual(
        [],
      );
    });

    it("deletes more than a thousand expired sessions in one call", async () => {
      const sessions = counted((i) => aSession(i % 2 === 0 ? user : other, undefined, 0));
      await insertAll(sessions, async (session) => storage.sessions.insert(session, FIRST_VERSION));
      expect((await storage.sessions.deleteExpired(NOW, 2 * ROWS))._unsafeUnwrap()).toBe(ROWS);
    });

    it("deletes more than a thousand replay records in one call, by their expiry and by their user", async () => {
      const records = [
        ...counted(() => aRecord(user, undefined, { expiresAt: LATER })),
        ...counted(() => aRecord(other)),
      ];
      await insertAll(records, async (record) => storage.idempotencyKeys.insert(record, "always"));
      expect((await storage.idempotencyKeys.deleteExpired(LATER, ANY_BATCH))._unsafeUnwrap()).toBe(ROWS);
      expect((await storage.idempotencyKeys.deleteByUser(other, ANY_BATCH))._unsafeUnwrap()).toBe(ROWS);
    });
  });
}
