import { sql } from "drizzle-orm";
import { err, type Result } from "neverthrow";
import type { StorageProbe } from "../../application/ports/storage-probe.ts";
import type { Storage } from "../../application/ports/storage.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { attempt } from "../drizzle/attempt.ts";
import { checkSchema } from "../drizzle/check-schema.ts";
import type { Database } from "../drizzle/database.ts";
import { drizzleRepositories, drizzleUnitOfWork } from "../drizzle/drizzle-unit-of-work.ts";
import type { NeededMigration } from "../drizzle/migrations.ts";
import type { SearchIndex } from "../drizzle/search/search-index.ts";
import type { RenewTitleKeys } from "../drizzle/title-keys.ts";

/** A storage on a server, with the parts that need work in the background. */
export interface ServerStorage extends Storage {
  readonly renewTitleKeys: RenewTitleKeys;
  readonly searchIndex: SearchIndex;
  /** Deletes the counts of rate limits whose window has ended. */
  readonly purgeRateLimits: (now: Date) => Promise<Result<void, StorageFailure>>;
}

/** The time that the close of a storage gives to running statements. */
export const CLOSE_GRACE_MS = 5000;

/** The ports on a database that the caller opens and closes. */
export function portsOn(
  db: Database,
  needed: readonly NeededMigration[],
  accountQuotaBytes: number,
): Omit<Storage, "close"> {
  const options = { accountQuotaBytes, isShared: true };
  return {
    ...drizzleRepositories(db, options),
    unitOfWork: drizzleUnitOfWork(db, options),
    probe: {
      check: async () => {
        const checked = await checkSchema(db, needed);
        return checked.isErr() ? err(checked.error) : statusOf(db);
      },
    },
  };
}

/** The durability of an acknowledged write, and whether the server accepts writes now. */
async function statusOf(db: Database): ReturnType<StorageProbe["check"]> {
  const status = await attempt(db, "probe.check", async () =>
    db
      .select({
        isDurable: sql<boolean>`current_setting('fsync')::boolean and current_setting('synchronous_commit') <> 'off'`,
        isStandby: sql<boolean>`pg_is_in_recovery()`,
      })
      .from(sql`(values (1)) as one`),
  );
  return status.map(([row]) => ({
    durability: row?.isDurable === true ? "fsync" : "relaxed",
    writable: row?.isStandby === false,
  }));
}
