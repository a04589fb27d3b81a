import { err, ok, type Result } from "neverthrow";
import type { Clock } from "../../application/ports/clock.ts";
import type { RateLimiter, RatePolicy } from "../../application/ports/rate-limiter.ts";
import type { SchemaOutdated } from "../../application/ports/storage-probe.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { checkSchema } from "../drizzle/check-schema.ts";
import { drizzleRateLimiter, purgeRateLimits } from "../drizzle/drizzle-rate-limiter.ts";
import type { NeededMigration } from "../drizzle/migrations.ts";
import { searchIndexOn } from "../drizzle/search/search-index.ts";
import { renewTitleKeys } from "../drizzle/title-keys.ts";
import { withRetry } from "../storage/retry.ts";
import { checkServer, type CheckedServer, type DatabaseUnsuitable } from "./check-server.ts";
import { serverClient, type ServerOptions } from "./client/client.ts";
import { databaseOn, withDatabase } from "./database.ts";
import { CLOSE_GRACE_MS, portsOn, type ServerStorage } from "./ports-on.ts";

/** The storage of one request, on connections of its own. */
export interface RequestStorage extends ServerStorage {
  readonly limiter: (clock: Clock, policy: RatePolicy) => RateLimiter;
}

export interface RequestStorageOptions extends ServerOptions {
  /** The migrations that the database must have. */
  readonly needed: readonly NeededMigration[];
  /** The maximum number of bytes that an account may store; 0 for no limit. */
  readonly accountQuotaBytes: number;
}

export type CheckMigratedServerError = DatabaseUnsuitable | SchemaOutdated | StorageFailure;

/** Checks once for many requests that a server is suitable and migrated. It changes nothing. */
export async function checkMigratedServer(
  options: RequestStorageOptions,
): Promise<Result<CheckedServer, CheckMigratedServerError>> {
  const isPooled = !options.setsTimeouts || options.server.isPooled;
  return withDatabase(options, async (db) => {
    const checked = await checkServer(db, isPooled);
    if (checked.isErr()) return err(checked.error);
    const schema = await checkSchema(db, options.needed);
    return schema.isErr() ? err(schema.error) : ok(checked.value);
  });
}

/** Opens the storage for one request. The first statement connects. */
export function openRequestStorage(
  options: RequestStorageOptions,
  { extensionSchemas }: CheckedServer,
): RequestStorage {
  const client = serverClient({ ...options, extensionSchemas });
  const db = databaseOn(client);
  const close = async () => {
    await client.end(CLOSE_GRACE_MS);
    return ok();
  };
  return {
    ...withRetry({ ...portsOn(db, options.needed, options.accountQuotaBytes), close }, options.log),
    renewTitleKeys: async (isStopping) => renewTitleKeys(db, isStopping),
    searchIndex: searchIndexOn(db),
    limiter: (clock, policy) => drizzleRateLimiter(db, clock, policy),
    purgeRateLimits: async (now) => purgeRateLimits(db, now),
  };
}
