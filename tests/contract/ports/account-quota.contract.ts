import { err, ok } from "neverthrow";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { IdempotencyRecord, SealedResult } from "../../../src/domain/shared/idempotency-record.ts";
import { fail } from "../../../src/domain/shared/fail.ts";
import { editPost, publishPost, type Draft } from "../../../src/domain/post/post.ts";
import { ROW_BYTES } from "../../../src/domain/shared/storage-quota.ts";
import type { User } from "../../../src/domain/user/user.ts";
import { aDraft, ANY_BATCH, aRecord, aUser, content, EVERY_DRAFT, LATER, nextId } from "../../support/fixtures.ts";
import type { StorageUnderTest, TestStorage } from "../../support/storage-under-test.ts";

/** As much as this many of the posts and records of these tests. */
const ROOM = 10;
const UNIT_BYTES = 4096;
const EXCEEDED = err({ kind: "account_quota_exceeded" });

const TITLE = "é";
const CONTENT = `${"x".repeat(UNIT_BYTES - ROW_BYTES - 6)}🔑`;
const ANSWER = "a".repeat(UNIT_BYTES - ROW_BYTES) as SealedResult;

export function accountQuotaContract(adapter: StorageUnderTest): void {
  describe(`The quota of an account on ${adapter.name}`, () => {
    let opened: Awaited<ReturnType<StorageUnderTest["open"]>>;
    let storage: TestStorage;
    let ada: User;
    let grace: User;

    beforeAll(async () => {
      opened = await adapter.open({ accountQuotaBytes: ROOM * UNIT_BYTES });
    });
    beforeEach(async () => {
      storage = await opened.empty();
      [ada, grace] = [aUser(), aUser({ role: "admin" })];
      for (const user of [ada, grace]) (await storage.users.insert(user))._unsafeUnwrap();
    });
    afterAll(async () => opened.close());

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
    /** How many units more the account takes, which it then has. */
    const roomOf = async (user: User): Promise<number> => {
      for (let units = 0; ; units++) if ((await storage.posts.insert(aUnit(user))).isErr()) return units;
    };

    it("is filled to the last byte by posts, and takes none beyond it", async () => {
      await stored(ada, ROOM - 1);
      const oneByteMore = aDraft(ada.id, { title: TITLE, content: `${CONTENT}x` });
      expect(await storage.posts.insert(oneByteMore)).toEqual(EXCEEDED);
      await stored(ada, 1);
      expect(await storage.posts.insert(aDraft(ada.id, { title: "x", content: "" }))).toEqual(EXCEEDED);
    });

    it("is that of one account, whoever else is full, in one statement too", async () => {
      await stored(ada, ROOM);
      const posts = Array.from({ length: 20 }, (_, index) => aUnit(index % 2 === 0 ? ada : grace));
      const outcomes = await Promise.all(posts.map(async (post) => storage.posts.insert(post)));
      expect(outcomes).toEqual(outcomes.map((_, index) => (index % 2 === 0 ? EXCEEDED : ok())));
    });

    it("holds when many posts come at once: as many are stored as have room", async () => {
      const posts = Array.from({ length: 3 * ROOM }, () => aUnit(ada));
      const outcomes = await Promise.all(posts.map(async (post) => storage.posts.insert(post)));
      expect(outcomes.filter((outcome) => outcome.isOk())).toHaveLength(ROOM);
      expect(outcomes.filter((outcome) => outcome.isErr())).toEqual(Array.from({ length: 2 * ROOM }, () => EXCEEDED));
    });

    it("lets a post grow as far as there is room, and be published, shortened and deleted without any", async () => {
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

    it("tells a growth that has no room from a version that is gone", async () => {
      const [post] = (await stored(ada, ROOM)) as [Draft];
      const longer = editPost(post, { content: content(`${CONTENT}x`) }, LATER)._unsafeUnwrap();
      expect(await storage.posts.update(longer, longer.version)).toEqual(err({ kind: "version_conflict" }));
    });

    it("does not keep posts from a new author: they count, and nothing is stored after them", async () => {
      await stored(ada, ROOM);
      await stored(grace, ROOM - 2);
      (await storage.posts.reassign(ada.id, grace.id, LATER, ANY_BATCH, null))._unsafeUnwrap();
      expect(await roomOf(grace)).toBe(0);
      expect(await roomOf(ada)).toBe(ROOM);
      (await storage.posts.deleteByAuthor(grace.id, { ...ANY_BATCH, rows: ROOM }, null))._unsafeUnwrap();
      expect(await roomOf(grace)).toBe(2);
    });

    it("counts replay records, and gives their bytes back when they are purged", async () => {
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

    it("counts a record once that takes the place of an expired one", async () => {
      const record = aUnitOfReplay(ada, { expiresAt: LATER });
      (await storage.idempotencyKeys.insert(record, "within_quota"))._unsafeUnwrap();
      const next = aUnitOfReplay(ada, { keyDigest: record.keyDigest, createdAt: LATER });
      expect(await storage.idempotencyKeys.insert(next, "within_quota")).toEqual(ok());
      expect(await roomOf(ada)).toBe(ROOM - 1);
    });

    it("admits a record beyond it where that is asked for, and counts it", async () => {
      await stored(ada, ROOM);
      expect(await storage.idempotencyKeys.insert(aUnitOfReplay(ada), "always")).toEqual(ok());
      (await storage.posts.deleteByAuthor(ada.id, { ...ANY_BATCH, rows: 2 }, null))._unsafeUnwrap();
      expect(await roomOf(ada)).toBe(1);
    });

    it("takes a post with its record, or neither", async () => {
      await stored(ada, ROOM - 3);
      const { idempotencyKeys } = storage;
      expect(await storage.posts.insert({ post: aUnit(ada), record: aUnitOfReplay(ada) })).toEqual(ok());
      const [record, post] = [aUnitOfReplay(ada), aUnit(ada)];
      expect(await storage.posts.insert({ post, record })).toEqual(EXCEEDED);
      expect(await idempotencyKeys.find(record.keyDigest)).toEqual(ok(null));
      expect((await storage.posts.findById(post.id, EVERY_DRAFT)).isErr()).toBe(true);
      expect(await roomOf(ada)).toBe(1);
    });

    it("says of a key in use that it is, where there is room", async () => {
      const record = aUnitOfReplay(ada);
      (await storage.idempotencyKeys.insert(record, "within_quota"))._unsafeUnwrap();
      const again = await storage.posts.insert({ post: aUnit(ada), record: { ...record, id: nextId() } });
      expect(again).toEqual(err({ kind: "idempotency_key_in_use" }));
    });

    it("counts nothing of a unit of work that fails", async () => {
      await storage.unitOfWork.run(async ({ posts }) => {
        (await posts.insert(aUnit(ada)))._unsafeUnwrap();
        return fail({ kind: "changed_my_mind" });
      });
      expect(await roomOf(ada)).toBe(ROOM);
    });
  });
}
