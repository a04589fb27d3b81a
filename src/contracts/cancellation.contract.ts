import { ok, type Result } from "neverthrow";
import { beforeEach, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import type { TokenDigest } from "../domain/session/session.ts";
import { NEWEST_FIRST } from "../domain/post/post-list.ts";
import { parseSearchQuery } from "../domain/search/search-query.ts";
import type { PostId, UserId } from "../domain/shared/id.ts";
import { EVERY_DRAFT, EVERY_POST, nextId, NOW } from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import { skippedUnless, type StorageUnderTest } from "./storage-under-test.ts";

type Read = (
  storage: Storage,
  signal: AbortSignal,
) => Promise<Result<unknown, { readonly kind: string; readonly reason?: string }>>;

const FIRST = { limit: 1, from: null };
const QUERY = parseSearchQuery("engine")._unsafeUnwrap();

const READS: readonly (readonly [operation: string, read: Read])[] = [
  ["posts.findById", async ({ posts }, signal) => posts.findById(nextId<PostId>(), EVERY_DRAFT, signal)],
  ["posts.hasPublished", async ({ posts }, signal) => posts.hasPublished(nextId<UserId>(), signal)],
  ["posts.list", async ({ posts }, signal) => posts.list(EVERY_POST, NEWEST_FIRST, FIRST, signal)],
  ["posts.search", async ({ posts }, signal) => posts.search(EVERY_POST, QUERY, FIRST, signal)],
  ["users.findById", async ({ users }, signal) => users.findById(nextId<UserId>(), signal)],
  ["users.list", async ({ users }, signal) => users.list("everybody", FIRST, signal)],
  [
    "sessions.findByTokenDigest",
    async ({ sessions }, signal) => sessions.findByTokenDigest("digest" as TokenDigest, signal),
  ],
  ["sessions.listByUser", async ({ sessions }, signal) => sessions.listByUser(nextId<UserId>(), NOW, FIRST, signal)],
];

/** An adapter does not start a read whose signal is aborted. */
export function cancellationContract(adapter: StorageUnderTest): void {
  describe(`A cancelled read on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter);
    let storage: Storage;
    beforeEach(async () => {
      storage = await emptied();
    });

    it.each(READS)(
      "%s fails with the reason cancelled when its signal is aborted before the call",
      async (operation, read) => {
        const failure = (await read(storage, AbortSignal.abort()))._unsafeUnwrapErr();
        expect(failure).toMatchObject({ kind: "storage_failure", reason: "cancelled", isTransient: false, operation });
      },
    );

    it.each(READS)("%s ignores a signal that is aborted after its result", async (_, read) => {
      const client = new AbortController();
      const result = await read(storage, client.signal);
      client.abort();
      expect(result.isErr() && result.error.kind === "storage_failure").toBe(false);
    });

    const { blocksOuterReads } = adapter.capabilities;
    const why = skippedUnless(blocksOuterReads, "a unit of work keeps no read waiting");
    it.runIf(blocksOuterReads).each(READS)(
      `%s does not start when its signal is aborted while the storage is busy${why}`,
      async (operation, read) => {
        const client = new AbortController();
        const { promise: finished, resolve: finish } = promiseWithResolver();
        const { promise: begun, resolve: begin } = promiseWithResolver();
        const unit = storage.unitOfWork.run(async ({ posts }) => {
          (await posts.hasPublished(nextId<UserId>()))._unsafeUnwrap();
          begin();
          await finished;
          return ok();
        });
        await begun;
        const waiting = read(storage, client.signal);
        // After these turns a batched read has left its batch and waits for the storage.
        for (let turn = 0; turn < 5; turn++) await new Promise((settle) => setImmediate(settle));
        client.abort();
        finish();
        expect((await waiting)._unsafeUnwrapErr()).toMatchObject({ reason: "cancelled", operation });
        (await unit)._unsafeUnwrap();
        expect((await storage.posts.list(EVERY_POST, NEWEST_FIRST, FIRST)).isOk()).toBe(true);
      },
    );
  });
}

function promiseWithResolver(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
