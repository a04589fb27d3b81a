import { ok } from "neverthrow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import { NEWEST_FIRST } from "../domain/post/post-list.ts";
import { aDraft, aRecord, aSession, aUser, EVERY_POST, nextId } from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import { skippedUnless, type OpenedStorage, type StorageUnderTest } from "./storage-under-test.ts";

/** The results of the probe on an open and a closed storage, and of every repository on a closed one. */
export function storageProbeContract(adapter: StorageUnderTest): void {
  describe(`StorageProbe on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter);

    it("reports an open storage as writable, with its durability", async () => {
      const { durability } = adapter.capabilities;
      const storage = await emptied();
      expect((await storage.probe.check())._unsafeUnwrap()).toEqual({ durability, writable: true });
    });
  });

  const isDurable = adapter.capabilities.durability !== "none";
  const why = skippedUnless(isDurable, "a storage in memory has nothing to close");
  describe.runIf(isDurable)(`A closed storage on ${adapter.name}${why}`, () => {
    let opened: OpenedStorage;
    let storage: Storage;

    beforeAll(async () => {
      opened = await adapter.open();
      storage = await opened.empty();
      // `reopen` closes the storage that was opened first.
      await opened.reopen?.();
    });
    afterAll(async () => opened.close());

    type Call = (storage: Storage) => Promise<{ isErr(): boolean; readonly error?: unknown }>;

    it.each<[string, Call]>([
      ["the probe", async ({ probe }) => probe.check()],
      ["a read of users", async ({ users }) => users.findById(nextId())],
      ["a write of users", async ({ users }) => users.insert(aUser())],
      ["a list of posts", async ({ posts }) => posts.list(EVERY_POST, NEWEST_FIRST, { limit: 1, from: null })],
      ["a write of posts", async ({ posts }) => posts.insert(aDraft(nextId()))],
      ["a read of sessions", async ({ sessions }) => sessions.findByTokenDigest(aSession(nextId()).tokenDigest)],
      ["a write of replay records", async ({ idempotencyKeys }) => idempotencyKeys.insert(aRecord(nextId()), "always")],
      ["a unit of work", async ({ unitOfWork }) => unitOfWork.run(async ({ users }) => users.hasAdmin())],
      ["a unit of work that does nothing", async ({ unitOfWork }) => unitOfWork.run(async () => ok())],
    ])("rejects %s with the reason unavailable, and does not throw", async (_, call) => {
      const outcome = await call(storage);
      expect(outcome).toMatchObject({ error: { kind: "storage_failure", reason: "unavailable" } });
    });
  });
}
