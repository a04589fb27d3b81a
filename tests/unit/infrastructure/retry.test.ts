import { err, ok, type Result } from "neverthrow";
import { describe, expect, it, vi } from "vitest";
import type { StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { withRetry } from "../../../src/infrastructure/storage/retry.ts";
import { aUser, recordingLog } from "../../support/fixtures.ts";

type Kind = StorageFailure["kind"];

const failure = (kind: Kind, sqlState: string): StorageFailure => ({
  kind,
  operation: "users.findById",
  cause: { sqlState, message: "", constraint: null },
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

const TRANSIENT: readonly (readonly [string, Kind])[] = [
  ["08001", "storage_unavailable"],
  ["08006", "storage_unavailable"],
  ["25006", "storage_unavailable"],
  ["40001", "storage_busy"],
  ["40P01", "storage_busy"],
  ["53300", "storage_busy"],
  ["57P01", "storage_unavailable"],
  ["57P02", "storage_unavailable"],
  ["57P03", "storage_unavailable"],
];

const LASTING: readonly (readonly [string, Kind])[] = [
  ["08007", "outcome_unknown"],
  ["53100", "storage_full"],
  ["57014", "storage_busy"],
  ["55P03", "storage_busy"],
  ["XX001", "storage_corrupt"],
];

describe("resilience", () => {
  it.each(TRANSIENT)("asks again after %s, which passes", async (sqlState, kind) => {
    const { ports, user, calls } = failing(failure(kind, sqlState), failure(kind, sqlState));
    expect(await ports.users.findById(user.id)).toEqual(ok(user));
    expect(calls()).toBe(3);
  });

  it.each(LASTING)(
    "gives %s at once, as another attempt would meet the same or do it twice",
    async (sqlState, kind) => {
      const { ports, user, calls } = failing(failure(kind, sqlState));
      expect(await ports.users.findById(user.id)).toEqual(err(failure(kind, sqlState)));
      expect(calls()).toBe(1);
    },
  );

  it("runs a unit of work again as a whole", async () => {
    const { ports, user, calls } = failing(failure("storage_busy", "40P01"));
    const run = vi.fn(async () => ok("done"));
    expect(await ports.unitOfWork.run(run)).toEqual(ok("done"));
    expect(calls()).toBe(2);
    expect(user).toBeDefined();
  });

  it("gives up after five attempts", async () => {
    const busy = failure("storage_busy", "40001");
    const { ports, user, calls } = failing(...Array.from({ length: 9 }, () => busy));
    expect(await ports.users.findById(user.id)).toEqual(err(busy));
    expect(calls()).toBe(5);
  });

  it("refuses at once while the database is away, and serves again by itself", async () => {
    const away = failure("storage_unavailable", "08001");
    const { ports, user, calls, log } = failing(...Array.from({ length: 5 }, () => away));
    expect((await ports.users.findById(user.id)).isErr()).toBe(true);
    const refused = (await ports.users.findById(user.id))._unsafeUnwrapErr();
    expect(refused).toMatchObject({ kind: "storage_unavailable", operation: "users.findById" });
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
