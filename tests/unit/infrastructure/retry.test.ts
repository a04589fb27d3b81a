import { err, ok, type Result } from "neverthrow";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Storage } from "../../../src/application/ports/storage.ts";
import type { Repositories } from "../../../src/application/ports/unit-of-work.ts";
import type { UserId } from "../../../src/domain/shared/id.ts";
import type { StorageFailure, StorageFailureReason } from "../../../src/domain/shared/storage-failure.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { MAX_ATTEMPTS, MAX_TOTAL_DELAY_MS, withRetry } from "../../../src/infrastructure/storage/retry.ts";
import { aUser, recordingLog } from "../../../src/testing/fixtures.ts";

const REASONS = ["unavailable", "full", "corrupt", "busy", "outcome_unknown"] as const;

const failure = (reason: StorageFailureReason, isTransient: boolean): StorageFailure => ({
  kind: "storage_failure",
  reason,
  isTransient,
  operation: "users.findById",
  cause: null,
});

/** The users of a storage as a class, as an adapter outside this repository may have them. */
class Users {
  readonly #users: Repositories["users"];
  readonly #failures: StorageFailure[];
  calls = 0;

  constructor(users: Repositories["users"], failures: readonly StorageFailure[]) {
    this.#users = users;
    this.#failures = [...failures];
  }

  async findById(id: UserId) {
    this.calls++;
    const next = this.#failures.shift();
    return next === undefined ? this.#users.findById(id) : err(next);
  }
}

/** A storage whose lookups of users and units of work fail once with each of `failures` before they succeed. */
async function failing(...failures: readonly StorageFailure[]) {
  const memory = openMemoryStorage();
  const user = aUser();
  (await memory.users.insert(user))._unsafeUnwrap();
  const users = new Users(memory.users, failures);
  const log = recordingLog();
  const left = [...failures];
  const unitOfWork: Storage["unitOfWork"] = {
    run: async (work) => {
      const done = await memory.unitOfWork.run(work);
      const next = left.shift();
      return next === undefined ? done : err(next);
    },
  };
  const decorated = withRetry({ ...memory, users: Object.assign(users, othersOf(memory.users)), unitOfWork }, log);
  return { storage: decorated, user, log, calls: () => users.calls };
}

/** The methods of users that the class delegates to the memory adapter. */
function othersOf(users: Repositories["users"]) {
  const others = Object.entries(users).filter(([name]) => name !== "findById");
  return Object.fromEntries(others) as Omit<Repositories["users"], "findById">;
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("retry", () => {
  it.each(["unavailable", "busy"] as const)("repeats a call after a transient failure: %s", async (reason) => {
    const { storage, user, calls } = await failing(failure(reason, true), failure(reason, true));
    expect(await storage.users.findById(user.id)).toEqual(ok(user));
    expect(calls()).toBe(3);
  });

  it.each(REASONS)("does not repeat a call after a lasting failure: %s", async (reason) => {
    const { storage, user, calls } = await failing(failure(reason, false));
    expect(await storage.users.findById(user.id)).toEqual(err(failure(reason, false)));
    expect(calls()).toBe(1);
  });

  it("repeats a unit of work as a whole", async () => {
    const { storage } = await failing(failure("busy", true));
    const work = vi.fn(async () => ok("done"));
    expect(await storage.unitOfWork.run(work)).toEqual(ok("done"));
    expect(work).toHaveBeenCalledTimes(2);
  });

  it("does not repeat a unit of work whose outcome is unknown", async () => {
    const { storage } = await failing(failure("outcome_unknown", false));
    const work = vi.fn(async () => ok("done"));
    expect(await storage.unitOfWork.run(work)).toEqual(err(failure("outcome_unknown", false)));
    expect(work).toHaveBeenCalledTimes(1);
  });

  it("gives up after five attempts with a bounded total delay", async () => {
    vi.useFakeTimers();
    vi.spyOn(Math, "random").mockReturnValue(0.999_999);
    const busy = failure("busy", true);
    const { storage, user, calls } = await failing(...Array.from({ length: 9 }, () => busy));
    const startedAt = Date.now();
    const found = storage.users.findById(user.id);
    await vi.runAllTimersAsync();
    expect(await found).toEqual(err(busy));
    expect(calls()).toBe(MAX_ATTEMPTS);
    expect(Date.now() - startedAt).toBeLessThanOrEqual(MAX_TOTAL_DELAY_MS);
  });

  it("opens the circuit breaker while the database is unavailable, and closes it by itself", async () => {
    const { storage, user, calls, log } = await failing(
      ...Array.from({ length: MAX_ATTEMPTS }, () => failure("unavailable", true)),
    );
    expect((await storage.users.findById(user.id)).isErr()).toBe(true);
    const refused = (await storage.users.findById(user.id))._unsafeUnwrapErr();
    expect(refused).toMatchObject({ kind: "storage_failure", reason: "unavailable", operation: "users.findById" });
    expect(calls()).toBe(MAX_ATTEMPTS);
    await vi.waitFor(async () => expect((await storage.users.findById(user.id)).isOk()).toBe(true), { timeout: 5000 });
    expect(log.lines.map(({ message }) => message)).toEqual([
      "circuit breaker opened: the database is unavailable",
      "circuit breaker closed: the database is available again",
    ]);
  });

  it("passes errors of the domain and exceptions through", async () => {
    const { storage } = await failing();
    const user = aUser();
    expect((await storage.users.delete(user.id, user.version))._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
    const thrown = storage.unitOfWork.run(async () => {
      throw new Error("a defect");
    });
    await expect(thrown).rejects.toThrow("a defect");
  });

  it("calls the method of the same name, with its arguments, for every method of every repository", async () => {
    const calls: string[] = [];
    const recording = (repository: string, methods: object) =>
      Object.fromEntries(
        Object.keys(methods).map((method) => [
          method,
          async (...args: readonly unknown[]): Promise<Result<null, never>> => {
            calls.push(`${repository}.${method}(${args.join()})`);
            return ok(null);
          },
        ]),
      );
    const memory = openMemoryStorage();
    const repositories = ["users", "posts", "sessions", "idempotencyKeys"] as const;
    const recorded = Object.fromEntries(repositories.map((name) => [name, recording(name, memory[name])]));
    const storage = withRetry({ ...memory, ...recorded }, recordingLog());
    const expected: string[] = [];
    for (const name of repositories) {
      for (const [method, call] of Object.entries(storage[name]) as [string, (...args: unknown[]) => unknown][]) {
        await call(1, 2, 3);
        expected.push(`${name}.${method}(1,2,3)`);
      }
      expect(Object.keys(storage[name]).toSorted()).toEqual(Object.keys(memory[name]).toSorted());
    }
    expect(calls).toEqual(expected);
  });
});
