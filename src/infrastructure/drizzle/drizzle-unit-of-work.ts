import { err, type Result } from "neverthrow";
import type { Repositories, UnitOfWork } from "../../application/ports/unit-of-work.ts";
import type { StorageOptions } from "./account-quota.ts";
import { attempt, isAborted } from "./attempt.ts";
import type { Database } from "./database.ts";
import { drizzleIdempotencyKeys } from "./drizzle-idempotency-keys.ts";
import { drizzlePosts } from "./drizzle-posts.ts";
import { drizzleSessions } from "./drizzle-sessions.ts";
import { drizzleUsers } from "./drizzle-users.ts";

/** Thrown inside a transaction to roll it back: returning an `err` from it would commit. */
class Rollback<E> extends Error {
  /** Ends the unit of work as the work did: gives its `err`, or throws what it threw. */
  readonly settle: () => Result<never, E>;

  constructor(settle: () => Result<never, E>) {
    super("The work of this transaction failed.");
    this.settle = settle;
  }
}

export function drizzleRepositories(db: Database, options: StorageOptions): Repositories {
  return {
    users: drizzleUsers(db),
    posts: drizzlePosts(db, options),
    sessions: drizzleSessions(db),
    idempotencyKeys: drizzleIdempotencyKeys(db, options),
  };
}

export function drizzleUnitOfWork(db: Database, options: StorageOptions): UnitOfWork {
  return {
    run: async <T, E>(work: (repositories: Repositories) => Promise<Result<T, E>>) => {
      try {
        return await attempt(db, "unitOfWork.run", async () =>
          db.transaction(async (transaction) => {
            const result = await work(drizzleRepositories(transaction, options)).catch((thrown: unknown) => {
              throw new Rollback(() => {
                throw thrown;
              });
            });
            if (result.isErr()) throw new Rollback(() => err(result.error));
            if (isAborted(transaction))
              throw new Error("A unit of work gave an ok after one of its statements failed.");
            return result.value;
          }),
        );
      } catch (thrown) {
        if (thrown instanceof Rollback) return (thrown as Rollback<E>).settle();
        throw thrown;
      }
    },
  };
}
