import { err, type Result } from "neverthrow";
import type { Repositories, UnitOfWork } from "../../application/ports/unit-of-work.ts";
import { withRollback } from "../sql/rollback.ts";
import type { StorageOptions } from "./account-quota.ts";
import { attempt, isAborted } from "./attempt.ts";
import type { Database } from "./database.ts";
import { drizzleIdempotencyKeys } from "./drizzle-idempotency-keys.ts";
import { drizzlePosts } from "./drizzle-posts.ts";
import { drizzleSessions } from "./drizzle-sessions.ts";
import { drizzleUsers } from "./drizzle-users.ts";

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
    run: async <T, E>(work: (repositories: Repositories) => Promise<Result<T, E>>) =>
      withRollback(async (rollBack: (settle: () => Result<never, E>) => never) =>
        attempt(db, "unitOfWork.run", async () =>
          db.transaction(async (transaction) => {
            const result = await work(drizzleRepositories(transaction, options)).catch((thrown: unknown) =>
              rollBack(() => {
                throw thrown;
              }),
            );
            if (result.isErr()) return rollBack(() => err(result.error));
            if (isAborted(transaction))
              throw new Error("A unit of work returned an ok after one of its statements had failed.");
            return result.value;
          }),
        ),
      ),
  };
}
