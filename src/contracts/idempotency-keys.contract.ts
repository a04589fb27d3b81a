import { err, ok, type Result } from "neverthrow";
import { beforeEach, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import { storedRecordBytes, type IdempotencyRecord, type SealedResult } from "../domain/shared/idempotency-record.ts";
import { fail } from "../domain/shared/fail.ts";
import type { UserId } from "../domain/shared/id.ts";
import type { Post } from "../domain/post/post.ts";
import type { User } from "../domain/user/user.ts";
import {
  ANY_BATCH,
  aDraft,
  aPublishedPost,
  aRecord,
  aUser,
  DAY_MS,
  EVERY_DRAFT,
  keyDigest,
  nextId,
  NOW,
  sealed,
} from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";

const after = (ms: number) => new Date(NOW.getTime() + ms);

export function idempotencyKeyRepositoryContract(adapter: StorageUnderTest): void {
  describe(`IdempotencyKeyRepository on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter);
    let storage: Storage;
    let user: User;

    beforeEach(async () => {
      storage = await emptied();
      user = aUser();
      (await storage.users.insert(user))._unsafeUnwrap();
    });

    const KEY = "a key";
    const ownRecord = (key = KEY, fields: Partial<IdempotencyRecord> = {}) => aRecord(user.id, key, fields);
    const stored = async (record = ownRecord()) => {
      (await storage.idempotencyKeys.insert(record, "within_quota"))._unsafeUnwrap();
      return record;
    };
    const found = async (key = KEY) => (await storage.idempotencyKeys.find(keyDigest(key)))._unsafeUnwrap();

    it("find returns null for an unknown digest", async () => {
      await stored();
      expect(await found("another key")).toBeNull();
    });

    it("find returns every field unchanged, also a result of several megabytes", async () => {
      const record = await stored(ownRecord(KEY, { result: "0123456789abcdef".repeat(600_000) as SealedResult }));
      expect(await found()).toEqual(record);
    });

    it("find returns the record of each digest when several are requested concurrently", async () => {
      const records = await Promise.all(["a", "b"].map(async (each) => stored(ownRecord(each))));
      expect(await Promise.all([found("b"), found("c"), found("a")])).toEqual([records[1], null, records[0]]);
    });

    it("insert rejects a second record of a key and keeps the first", async () => {
      const first = await stored();
      const again = await storage.idempotencyKeys.insert(
        ownRecord(KEY, { result: sealed("another answer") }),
        "within_quota",
      );
      expect(again._unsafeUnwrapErr()).toEqual({ kind: "idempotency_key_in_use" });
      expect(await found()).toEqual(first);
    });

    it("insert stores one of many concurrent records of a key", async () => {
      const records = Array.from({ length: 10 }, () => ownRecord());
      const outcomes = await Promise.all(
        records.map(async (record) => storage.idempotencyKeys.insert(record, "within_quota")),
      );
      expect(outcomes.filter((outcome) => outcome.isOk())).toHaveLength(1);
      expect(await found()).toEqual(records[outcomes.findIndex((outcome) => outcome.isOk())]);
    });

    it.each([
      ["a millisecond before its expiry", DAY_MS - 1, false],
      ["at its expiry", DAY_MS, true],
    ])("insert replaces a record only from its expiry on: %s", async (_, ms, isFree) => {
      await stored();
      const next = ownRecord(KEY, { createdAt: after(ms), expiresAt: after(2 * DAY_MS) });
      expect((await storage.idempotencyKeys.insert(next, "within_quota")).isOk()).toBe(isFree);
      expect((await found())?.result === next.result).toBe(isFree);
    });

    it("insert fails with user_not_found for an unknown user and stores nothing", async () => {
      const refused = await storage.idempotencyKeys.insert(
        ownRecord(KEY, { userId: nextId<UserId>() }),
        "within_quota",
      );
      expect(refused._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
      expect(await found()).toBeNull();
    });

    it("insert is rolled back with its unit of work", async () => {
      await storage.unitOfWork.run(async ({ idempotencyKeys }) => {
        (await idempotencyKeys.insert(ownRecord(), "within_quota"))._unsafeUnwrap();
        return fail({ kind: "changed_my_mind" });
      });
      expect(await found()).toBeNull();
    });

    it("delete of a user deletes the records of the user, and no others", async () => {
      const other = aUser();
      (await storage.users.insert(other))._unsafeUnwrap();
      await stored();
      const others = await stored(ownRecord("others", { userId: other.id }));
      (await storage.users.delete(user.id, user.version))._unsafeUnwrap();
      expect(await found()).toBeNull();
      expect(await found("others")).toEqual(others);
    });

    it.each([
      ["a millisecond before its expiry", DAY_MS - 1, false],
      ["at its expiry", DAY_MS, true],
    ])("claim respects the expiry of a record: %s", async (_, ms, isFree) => {
      const { keyDigest } = await stored();
      const claimed = await storage.unitOfWork.run(async (on) => on.idempotencyKeys.claim(keyDigest, after(ms)));
      expect(claimed).toEqual(isFree ? ok() : fail({ kind: "idempotency_key_in_use" }));
      expect((await found())?.keyDigest).toBe(keyDigest);
    });

    it.each(["an ok", "an err"])("claim ends with a unit of work that returns %s", async (end) => {
      const claim = async (key: string, outcome: Result<void, unknown>) =>
        storage.unitOfWork.run(async (on) =>
          (await on.idempotencyKeys.claim(keyDigest(key), NOW)).andThen(() => outcome),
        );
      const outcome = end === "an ok" ? ok() : fail({ kind: "changed_my_mind" });
      const ends = await Promise.all([claim("a", outcome), claim("b", outcome)]);
      expect(ends).toEqual([outcome, outcome]);
      expect(await Promise.all([claim("a", ok()), claim("b", ok())])).toEqual([ok(), ok()]);
    });

    it("claim ends with a unit of work that throws", async () => {
      const claim = async (work: () => Promise<Result<void, never>>) =>
        storage.unitOfWork.run(async (on) => {
          const claimed = await on.idempotencyKeys.claim(keyDigest(KEY), NOW);
          return claimed.isErr() ? err(claimed.error) : work();
        });
      const defect = new Error("A defect");
      await expect(claim(async () => Promise.reject(defect))).rejects.toBe(defect);
      expect((await claim(async () => ok())).isOk()).toBe(true);
    });

    it("claim succeeds in one of two concurrent units, and in the other after the end of the first", async () => {
      const claim = async () => storage.unitOfWork.run(async (on) => on.idempotencyKeys.claim(keyDigest(KEY), NOW));
      const outcomes = await Promise.all([claim(), claim()]);
      expect(outcomes.filter((outcome) => outcome.isOk()).length).toBeGreaterThan(0);
      for (const outcome of outcomes)
        if (outcome.isErr()) expect(outcome.error).toEqual({ kind: "idempotency_key_in_use" });
      expect((await claim()).isOk()).toBe(true);
    });

    describe("PostRepository.insert of a post with a record", () => {
      const isStored = async (post: Post) => (await storage.posts.findById(post.id, EVERY_DRAFT)).isOk();

      it.each([
        ["of a few characters", 16],
        ["of megabytes", 9_600_000],
      ])("stores both, with a result %s", async (_, length) => {
        const result = "0123456789abcdef".repeat(length / 16) as SealedResult;
        const [record, post] = [ownRecord(KEY, { result }), aPublishedPost(user.id)];
        expect(await storage.posts.insert({ post, record })).toEqual(ok());
        expect(await found()).toEqual(record);
        expect((await storage.posts.findById(post.id, EVERY_DRAFT))._unsafeUnwrap()).toEqual(post);
      });

      it.each([
        ["a millisecond before its expiry", DAY_MS - 1, false],
        ["at its expiry", DAY_MS, true],
      ])("respects the expiry of another record of the key: %s", async (_, ms, isFree) => {
        await stored();
        const next = ownRecord(KEY, { createdAt: after(ms), expiresAt: after(2 * DAY_MS) });
        const post = aDraft(user.id);
        expect((await storage.posts.insert({ post, record: next })).isOk()).toBe(isFree);
        expect((await found())?.result === next.result).toBe(isFree);
        expect(await isStored(post)).toBe(isFree);
      });

      it("stores one post and one record when many concurrent inserts have the same key", async () => {
        const pairs = Array.from({ length: 10 }, () => ({ record: ownRecord(), post: aDraft(user.id) }));
        const outcomes = await Promise.all(
          pairs.map(async ({ record, post }) => storage.posts.insert({ post, record })),
        );
        const refused = outcomes.filter((outcome) => outcome.isErr());
        expect(refused).toEqual(Array.from({ length: 9 }, () => fail({ kind: "idempotency_key_in_use" })));
        const winner = pairs[outcomes.findIndex((outcome) => outcome.isOk())];
        expect(await found()).toEqual(winner?.record);
        const kept = await Promise.all(pairs.map(async ({ post }) => isStored(post)));
        expect(kept).toEqual(outcomes.map((outcome) => outcome.isOk()));
      });

      it("returns its own result to each of several concurrent inserts", async () => {
        await stored(ownRecord("used"));
        const [nobody, someId] = [nextId<UserId>(), user.id];
        const outcomes = await Promise.all(
          [
            [ownRecord("a"), aDraft(someId)] as const,
            [ownRecord("used"), aDraft(someId)] as const,
            [ownRecord("b", { userId: nobody }), aDraft(nobody)] as const,
            [ownRecord("d"), aDraft(someId)] as const,
          ].map(async ([record, post]) => {
            const outcome = await storage.posts.insert({ post, record });
            return [outcome.isOk() || outcome.error.kind, await isStored(post)];
          }),
        );
        expect(outcomes).toEqual([
          [true, true],
          ["idempotency_key_in_use", false],
          ["author_not_found", false],
          [true, true],
        ]);
        expect([await found("a"), await found("b"), await found("d")].map(Boolean)).toEqual([true, false, true]);
      });
    });

    it("deleteExpired deletes the expired records, and no others", async () => {
      await stored();
      const later = await stored(ownRecord("later", { expiresAt: after(DAY_MS + 1) }));
      expect((await storage.idempotencyKeys.deleteExpired(after(DAY_MS), ANY_BATCH))._unsafeUnwrap()).toBe(1);
      expect(await found()).toBeNull();
      expect(await found("later")).toEqual(later);
    });

    it("deleteExpired deletes at most the given number of rows", async () => {
      for (const each of ["a", "b", "c"]) await stored(ownRecord(each));
      const remove = async () =>
        (await storage.idempotencyKeys.deleteExpired(after(DAY_MS), { ...ANY_BATCH, rows: 2 }))._unsafeUnwrap();
      expect([await remove(), await remove(), await remove()]).toEqual([2, 1, 0]);
    });

    it("deleteExpired and deleteByUser respect the bytes of a batch, and delete at least one record", async () => {
      const result = "a".repeat(10_000) as SealedResult;
      const store = async () => {
        for (let i = 0; i < 5; i++) await stored(ownRecord(`of ${i}`, { result }));
      };
      const two = { rows: 10, bytes: 15_000 };
      const purge = async () => (await storage.idempotencyKeys.deleteExpired(after(DAY_MS), two))._unsafeUnwrap();
      await store();
      expect([await purge(), await purge(), await purge(), await purge()]).toEqual([2, 2, 1, 0]);
      const remove = async () => (await storage.idempotencyKeys.deleteByUser(user.id, two))._unsafeUnwrap();
      await store();
      expect([await remove(), await remove(), await remove(), await remove()]).toEqual([2, 2, 1, 0]);
      await store();
      const one = { rows: 10, bytes: 1 };
      expect((await storage.idempotencyKeys.deleteByUser(user.id, one))._unsafeUnwrap()).toBe(1);
    });

    it("deleteExpired and deleteByUser end a batch with the record that brings it exactly to its bytes", async () => {
      const records = Array.from({ length: 6 }, (_, index) => ownRecord(`of ${index}`));
      for (const record of records) await stored(record);
      const bytes = records.slice(0, 2).reduce((sum, record) => sum + storedRecordBytes(record), 0);
      const two = { rows: 10, bytes };
      expect((await storage.idempotencyKeys.deleteExpired(after(DAY_MS), two))._unsafeUnwrap()).toBe(2);
      expect((await storage.idempotencyKeys.deleteByUser(user.id, two))._unsafeUnwrap()).toBe(2);
    });
  });
}
