import { err, ok, type Result } from "neverthrow";
import { describe, expect, it, vi } from "vitest";
import type { StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { withRetry } from "../../../src/infrastructure/storage/retry.ts";
import { aUser, recordingLog } from "../../support/fixtures.ts";

type Reason = StorageFailure["reason"];

const failure = (reason: Reason, isTransient: boolean): StorageFailure => ({
  kind: "storage_failure",
  reason,
  isTransient,
  operation: "users.findById",
  cause: null,
});

/** A storage whose lookups of users fail as they are told, one call after the other, and then find somebody. */
function failing(...failures: readonly StorageFailure[]) {
  const storage = openMemoryStorage();
  const user = aUser();
  const left = [...failures];
  let calls = 0;
  const answer = <T>(value: T): Result<T, StorageFailure> => {
    calls++;
    const next = left.shift();
    return next === undefined ? ok(value) : err(next);
  };
  const log = recordingLog();
  const ports = withRetry(
    {
      ...storage,
      users: { ...storage.users, findById: async () => answer(user) },
      unitOfWork: {
        run: async (work) => {
          const outcome = answer(undefined);
          return outcome.isErr() ? err(outcome.error) : storage.unitOfWork.run(work);
        },
      },
    },
    log,
  );
  return { ports, user, log, calls: () => calls };
}

describe("resilience", () => {
  it.each(["unavailable", "busy"] as const)("asks again after a transient %s", async (reason) => {
    const { ports, user, calls } = failing(failure(reason, true), failure(reason, true));
    expect(await ports.users.findById(user.id)).toEqual(ok(user));
    expect(calls()).toBe(3);
  });

  it.each(["unavailable", "full", "corrupt", "busy", "outcome_unknown"] as const)(
    "does not repeat a call after a lasting %s",
    async (reason) => {
      const { ports, user, calls } = failing(failure(reason, false));
      expect(await ports.users.findById(user.id)).toEqual(err(failure(reason, false)));
      expect(calls()).toBe(1);
    },
  );

  it("runs a unit of work again as a whole", async () => {
    const { ports, user, calls } = failing(failure("busy", true));
    const run = vi.fn(async () => ok("done"));
    expect(await ports.unitOfWork.run(run)).toEqual(ok("done"));
    expect(calls()).toBe(2);
    expect(user).toBeDefined();
  });

  it("gives up after five attempts", async () => {
    const busy = failure("busy", true);
    const { ports, user, calls } = failing(...Array.from({ length: 9 }, () => busy));
    expect(await ports.users.findById(user.id)).toEqual(err(busy));
    expect(calls()).toBe(5);
  });

  it("refuses at once while the database is away, and serves again by itself", async () => {
    const away = failure("unavailable", true);
    const { ports, user, calls, log } = failing(...Array.from({ length: 5 }, () => away));
    expect((await ports.users.findById(user.id)).isErr()).toBe(true);
    const refused = (await ports.users.findById(user.id))._unsafeUnwrapErr();
    expect(refused).toMatchObject({ reason: "unavailable", operation: "users.findById" });
    expect(calls()).toBe(5);
    await vi.waitFor(async () => expect((await ports.users.findById(user.id)).isOk()).toBe(true), { timeout: 5000 });
    expect(log.lines.map(({ message }) => message)).toEqual([
      "the database is away: calls are refused until it is back",
      "the database is back",
    ]);
  });

  it("lets refusals of the domain and exceptions through", async () => {
    const { ports } = failing();
    const user = aUser();
    expect((await ports.users.delete(user.id, user.version))._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
    const thrown = ports.unitOfWork.run(async () => {
      throw new Error("a defect");
    });
    await expect(thrown).rejects.toThrow("a defect");
  });
});
