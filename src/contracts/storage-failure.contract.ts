import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import type { StorageFailure, StorageFailureReason } from "../domain/shared/storage-failure.ts";
import { changeUser, type User } from "../domain/user/user.ts";
import { aDraft, aRecord, aSession, aUser, LATER, name } from "../testing/fixtures.ts";
import type { OpenedStorage, StorageUnderTest } from "./storage-under-test.ts";
import { FIRST_VERSION } from "../domain/shared/version.ts";

const REASONS = ["busy", "outcome_unknown", "unavailable", "full", "corrupt"] as const satisfies StorageFailureReason[];

/** Reasons for which a retry is useless or unsafe. For the other reasons the adapter decides whether a failure is transient. */
const NEVER_TRANSIENT: ReadonlySet<StorageFailureReason> = new Set(["outcome_unknown", "full", "corrupt"]);

type Outcome = Promise<{ isErr(): boolean; readonly error?: unknown }>;

/** A failure of the store is a StorageFailure with the right reason. An exception of the driver never reaches the caller. */
export function storageFailureContract(adapter: StorageUnderTest): void {
  describe(`StorageFailure on ${adapter.name}`, () => {
    let opened: OpenedStorage;
    let storage: Storage;

    beforeEach(async () => {
      opened = await adapter.open();
      storage = await opened.empty();
    });
    // An adapter may stay unusable after a failure, so each test opens its own storage.
    afterEach(async () => opened.close());

    const writes = (user: User): Readonly<Record<string, () => Outcome>> => {
      const { users, posts, sessions, idempotencyKeys, unitOfWork } = storage;
      return {
        "users.insert": async () => users.insert(aUser()),
        "users.update": async () => users.update(changeUser(user, { name: name("Grace") }, LATER), user.version),
        "posts.insert": async () => posts.insert(aDraft(user.id)),
        "sessions.insert": async () => sessions.insert(aSession(user.id), FIRST_VERSION),
        "idempotencyKeys.insert": async () => idempotencyKeys.insert(aRecord(user.id), "always"),
        "unitOfWork.run": async () => unitOfWork.run(async (on) => on.posts.insert(aDraft(user.id))),
      };
    };

    it.for(REASONS)(
      "returns the reason %s for every write that fails in the store, and does not throw",
      async (reason, { skip }) => {
        if (opened.failWrites === undefined) return skip(`${adapter.name} has no store that could fail`);
        const user = aUser();
        (await storage.users.insert(user))._unsafeUnwrap();
        await opened.failWrites(reason);
        const calls = Object.entries(writes(user));
        const outcomes = await Promise.all(calls.map(async ([, write]) => write()));
        for (const [index, outcome] of outcomes.entries()) {
          const failure = outcome.error as StorageFailure;
          expect([calls[index]?.[0], outcome.isErr()]).toEqual([calls[index]?.[0], true]);
          expect(failure).toMatchObject({ kind: "storage_failure", reason });
          expect(typeof failure.isTransient).toBe("boolean");
          expect(failure.operation).toMatch(/^[a-zA-Z]+\.[a-zA-Z]+$/);
          if (NEVER_TRANSIENT.has(reason)) expect(failure.isTransient).toBe(false);
        }
        const stored = await storage.users.findById(user.id);
        // A database with damaged files may reject reads as well.
        if (reason !== "corrupt" && stored.isErr()) expect(stored.error).toMatchObject({ reason: "unavailable" });
        else if (stored.isOk()) expect(stored.value).toEqual(user);
      },
    );
  });
}
