import { err, ok } from "neverthrow";
import { beforeEach, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import type { IdempotencyRecord, SealedResult } from "../domain/shared/idempotency-record.ts";
import { fail } from "../domain/shared/fail.ts";
import { editPost, publishPost, type Draft } from "../domain/post/post.ts";
import { ROW_BYTES } from "../domain/shared/storage-quota.ts";
import type { User } from "../domain/user/user.ts";
import { aDraft, ANY_BATCH, aRecord, aUser, content, EVERY_DRAFT, LATER } from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";

/** The quota in units. Each post and each record of these tests counts as one unit. */
const ROOM = 10;
const UNIT_BYTES = 4096;
const EXCEEDED = err({ kind: "account_quota_exceeded" });

const TITLE = "é";
const CONTENT = `${"x".repeat(UNIT_BYTES - ROW_BYTES - 6)}🔑`;
const ANSWER = "a".repeat(UNIT_BYTES - ROW_BYTES) as SealedResult;

export function accountQuotaContract(adapter: StorageUnderTest): void {
  describe(`The account quota on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter, { accountQuotaBytes: ROOM * UNIT_BYTES });
    let storage: Storage;
    let ada: User;
    let grace: User;

    beforeEach(async () => {
      storage = await emptied();
      [ada, grace] = [aUser(), aUser({ role: "admin" })];
      for (const user of [ada, grace]) (await storage.users.insert(user))._unsafeUnwrap();
    });

    /** A post that counts as one unit. */
    const aUnit = ({ id }: User) => aDraft(id, { title: TITLE, content: CONTENT });
    const stored = async (user: User, count: number): Promise<Draft[]> => {
      const posts = Array.from({ length: count }, () => aUnit(user));
      for (const post of posts) (await storage.posts.insert(post))._unsafeUnwrap();
      return posts;
    };
    /** A replay record that counts as one unit. */
    const aUnitOfReplay = ({ id }: User, fields: Partial<IdempotencyRecord> = {}) =>
      aRecord(id, undefined, { result: ANSWER, ...fields });
    /** Fills the account with posts. Returns the number of units that it accepted. */
    const roomOf = async (user: User): Promise<number> => {
      for (let units = 0; ; units++) if ((await storage.posts.insert(aUnit(user))).isErr()) return units;
    };

    it("accepts posts to the last byte, and rejects a post beyond it", async () => {
      await stored(ada, ROOM - 1);
      const oneByteMore = aDraft(ada.id, { title: TITLE, content: `${CONTENT}x` });
      expect(await storage.posts.insert(oneByteMore)).toEqual(EXCEEDED);
      await stored(ada, 1);
      expect(await storage.posts.insert(aDraft(ada.id, { title: "x", content: "" }))).toEqual(EXCEEDED);
    });

    it("applies to each account separately, also in batched inserts", async () => {
      await stored(ada, ROOM);
      const posts = Array.from({ length: 20 }, (_, index) => aUnit(index % 2 === 0 ? ada : grace));
      const outcomes = await Promise.all(posts.map(async (post) => storage.posts.insert(post)));
      expect(outcomes).toEqual(outcomes.map((_, index) => (index % 2 === 0 ? EXCEEDED : ok())));
    });

    it("holds for concurrent inserts, which succeed until it is reached", async () => {
      const posts = Array.from({ length: 3 * ROOM }, () => aUnit(ada));
      const outcomes = await Promise.all(posts.map(async (post) => storage.posts.insert(post)));
      expect(outcomes.filter((outcome) => outcome.isOk())).toHaveLength(ROOM);
      expect(outcomes.filter((outcome) => outcome.isErr())).toEqual(Array.from({ length: 2 * ROOM }, () => EXCEEDED));
    });

    it("rejects growth beyond it, and allows a full account to publish, shorten and delete a post", async () => {
      const [post] = (await stored(ada, ROOM)) as [Draft];
      const longer = editPost(post, { content: content(`${CONTENT}x`) }, LATER)._unsafeUnwrap();
      expect(await storage.posts.update(longer, post.version)).toEqual(EXCEEDED);
      expect(await storage.posts.findById(post.id, EVERY_DRAFT)).toEqual(ok(post));
      const published = publishPost(post, LATER)._unsafeUnwrap();
      expect(await storage.posts.update(published, post.version)).toEqual(ok());
      const shorter = editPost(published, { content: content("x") }, LATER)._unsafeUnwrap();
      expect(await storage.posts.update(shorter, published.version)).toEqual(ok());
      const whole = editPost(shorter, { content: content(CONTENT) }, LATER)._unsafeUnwrap();
      expect(await storage.posts.update(whole, shorter.version)).toEqual(ok());
      expect(await roomOf(ada)).toBe(0);
      expect(await storage.posts.delete(whole.id, whole.version)).toEqual(ok());
      expect(await roomOf(ada)).toBe(1);
    });

    it("reports version_conflict before account_quota_exceeded", async () => {
      const [post] = (await stored(ada, ROOM)) as [Draft];
      const longer = editPost(post, { content: content(`${CONTENT}x`) }, LATER)._unsafeUnwrap();
      expect(await storage.posts.update(longer, longer.version)).toEqual(err({ kind: "version_conflict" }));
    });

    it("does not block reassigned posts, which count towards the quota of the new author", async () => {
      await stored(ada, ROOM);
      await stored(grace, ROOM - 2);
      (await storage.posts.reassign(ada.id, grace.id, LATER, ANY_BATCH, null))._unsafeUnwrap();
      expect(await roomOf(grace)).toBe(0);
      expect(await roomOf(ada)).toBe(ROOM);
      (await storage.posts.deleteByAuthor(grace.id, { ...ANY_BATCH, rows: ROOM }, null))._unsafeUnwrap();
      expect(await roomOf(grace)).toBe(2);
    });

    it("counts replay records until they are purged", async () => {
      const { idempotencyKeys } = storage;
      for (let i = 0; i < ROOM; i++)
        (await idempotencyKeys.insert(aUnitOfReplay(ada, { expiresAt: LATER }), "within_quota"))._unsafeUnwrap();
      expect(await idempotencyKeys.insert(aUnitOfReplay(ada), "within_quota")).toEqual(EXCEEDED);
      expect(await storage.posts.insert(aUnit(ada))).toEqual(EXCEEDED);
      expect(await idempotencyKeys.deleteExpired(LATER, { ...ANY_BATCH, rows: 3 })).toEqual(ok(3));
      expect(await roomOf(ada)).toBe(3);
      expect(await idempotencyKeys.deleteByUser(ada.id, ANY_BATCH)).toEqual(ok(ROOM - 3));
      expect(await roomOf(ada)).toBe(ROOM - 3);
    });

    it("counts a record that replaces an expired one once", async () => {
      const record = aUnitOfReplay(ada, { expiresAt: LATER });
      (await storage.idempotencyKeys.insert(record, "within_quota"))._unsafeUnwrap();
      const next = aUnitOfReplay(ada, { keyDigest: record.keyDigest, createdAt: LATER });
      expect(await storage.idempotencyKeys.insert(next, "within_quota")).toEqual(ok());
      expect(await roomOf(ada)).toBe(ROOM - 1);
    });

    it("accepts and counts a record beyond it when the insert says always", async () => {
      await stored(ada, ROOM);
      expect(await storage.idempotencyKeys.insert(aUnitOfReplay(ada), "always")).toEqual(ok());
      (await storage.posts.deleteByAuthor(ada.id, { ...ANY_BATCH, rows: 2 }, null))._unsafeUnwrap();
      expect(await roomOf(ada)).toBe(1);
    });

    it("reports idempotency_key_in_use beyond it when the insert says always", async () => {
      const record = aUnitOfReplay(ada);
      expect(await storage.idempotencyKeys.insert(record, "always")).toEqual(ok());
      await stored(ada, ROOM - 1);
      const again = await storage.idempotencyKeys.insert(record, "always");
      expect(again).toEqual(err({ kind: "idempotency_key_in_use" }));
    });

    it("stores a post with its record, or neither", async () => {
      await stored(ada, ROOM - 3);
      const { idempotencyKeys } = storage;
      expect(await storage.posts.insert({ post: aUnit(ada), record: aUnitOfReplay(ada) })).toEqual(ok());
      const [record, post] = [aUnitOfReplay(ada), aUnit(ada)];
      expect(await storage.posts.insert({ post, record })).toEqual(EXCEEDED);
      expect(await idempotencyKeys.find(record.keyDigest)).toEqual(ok(null));
      expect((await storage.posts.findById(post.id, EVERY_DRAFT)).isErr()).toBe(true);
      expect(await roomOf(ada)).toBe(1);
    });

    it("reports idempotency_key_in_use below the quota", async () => {
      const record = aUnitOfReplay(ada);
      (await storage.idempotencyKeys.insert(record, "within_quota"))._unsafeUnwrap();
      const again = await storage.posts.insert({ post: aUnit(ada), record: record });
      expect(again).toEqual(err({ kind: "idempotency_key_in_use" }));
    });

    it("stores a post that has room next to a concurrent one whose key is in use", async () => {
      const record = aUnitOfReplay(ada);
      (await storage.idempotencyKeys.insert(record, "within_quota"))._unsafeUnwrap();
      await stored(ada, ROOM - 3);
      const repeated = { post: aDraft(ada.id, { title: "x", content: "" }), record };
      const larger = { post: aUnit(ada), record: aUnitOfReplay(ada) };
      const outcomes = await Promise.all([repeated, larger].map(async (post) => storage.posts.insert(post)));
      expect(outcomes.map((outcome) => outcome.isOk())).toEqual([false, true]);
    });

    it("admits concurrent inserts of a unit of work in their order", async () => {
      await stored(ada, ROOM - 1);
      const [large, small] = [aUnit(ada), aDraft(ada.id, { title: "x", content: "" })];
      const outcomes = await storage.unitOfWork.run(async ({ posts }) =>
        ok(await Promise.all([posts.insert(large), posts.insert(small)])),
      );
      expect(outcomes).toEqual(ok([ok(), EXCEEDED]));
    });

    it("does not count the writes of a unit of work that fails", async () => {
      await storage.unitOfWork.run(async ({ posts }) => {
        (await posts.insert(aUnit(ada)))._unsafeUnwrap();
        return fail({ kind: "changed_my_mind" });
      });
      expect(await roomOf(ada)).toBe(ROOM);
    });
  });
}
