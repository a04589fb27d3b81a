import { err, ok, type Result } from "neverthrow";
import type { Storage } from "../../application/ports/storage.ts";
import type { Repositories, UnitOfWork } from "../../application/ports/unit-of-work.ts";
import { memoryIdempotencyKeys } from "./memory-idempotency-keys.ts";
import type { MemoryOptions } from "./memory-quota.ts";
import { memoryPosts } from "./memory-posts.ts";
import { memorySessions } from "./memory-sessions.ts";
import { copyTables, type MemoryAccess, type MemoryTables } from "./memory-tables.ts";
import { memoryUsers } from "./memory-users.ts";

/** Storage that lives as long as the process. */
export function openMemoryStorage(options: MemoryOptions = { accountQuotaBytes: 0 }): Storage {
  let tables: MemoryTables = {
    users: new Map(),
    posts: new Map(),
    sessions: new Map(),
    idempotencyKeys: new Map(),
    removals: new Map(),
  };
  let lastTurn: Promise<unknown> = Promise.resolve();

  /** Runs one task at a time, as the single session of the embedded PostgreSQL does. */
  async function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = lastTurn.then(task);
    lastTurn = turn.catch(() => undefined);
    return turn;
  }

  const unitOfWork: UnitOfWork = {
    run: async <T, E>(work: (repositories: Repositories) => Promise<Result<T, E>>): Promise<Result<T, E>> =>
      inTurn(async () => {
        const copy = copyTables(tables);
        const result = await work(memoryRepositories(async (step) => step(copy), options));
        if (result.isErr()) return err(result.error);
        tables = copy;
        return ok(result.value);
      }),
  };

  return {
    ...memoryRepositories(async (step) => inTurn(async () => step(tables)), options),
    unitOfWork,
    probe: { check: async () => ok({ durability: "none", writable: true } as const) },
    close: async () => ok(),
  };
}

function memoryRepositories(access: MemoryAccess, options: MemoryOptions): Repositories {
  return {
    users: memoryUsers(access),
    posts: memoryPosts(access, options),
    sessions: memorySessions(access),
    idempotencyKeys: memoryIdempotencyKeys(access, options),
  };
}
