import { setTimeout as delay } from "node:timers/promises";
import { err, ok, type Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { renewEmailKeys } from "../drizzle/email-keys.ts";
import type { Migration, MigrationDrift } from "../drizzle/migrations.ts";
import { readMigrations, type MigrationsUnreadable } from "../drizzle/read-migrations.ts";
import { checkServer, type CheckedServer, type DatabaseUnsuitable } from "./check-server.ts";
import type { ServerOptions } from "./client/client.ts";
import type { ServerUrl } from "./client/server-url.ts";
import { withDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";

/** The database was not reached within the start timeout; `cause` is the cause of the last attempt. */
export interface DatabaseUnreachable {
  readonly kind: "database_unreachable";
  readonly waitedMs: number;
  readonly cause: unknown;
}

/** The database answers but rejects the connection, or lacks a requirement. Another attempt would fail in the same way. */
export interface DatabaseRefused {
  readonly kind: "database_refused";
  readonly cause: unknown;
}

export type OpenPostgresError =
  DatabaseUnreachable | DatabaseRefused | DatabaseUnsuitable | MigrationsUnreadable | MigrationDrift | StorageFailure;

export interface PostgresOptions extends ServerOptions {
  /** The server with a role that may change the schema; `null` if the role of `server` may. */
  readonly migrator: ServerUrl | null;
  /** Standbys of the server, which serve reads of posts and lists. */
  readonly replicas: readonly ServerUrl[];
  /** The time limit of the wait for the database at a start. */
  readonly startTimeoutMs: number;
  /** The maximum number of bytes that an account may store; 0 for no limit. */
  readonly accountQuotaBytes: number;
  /** The folder of migrations that drizzle-kit wrote. */
  readonly migrations: string;
  readonly log: Log;
}

export interface MigratedServer extends CheckedServer {
  /** The migrations of this program, all of them applied. */
  readonly shipped: readonly Migration[];
}

/** Waits for a server, checks it, and applies the pending migrations with the role that may change the schema. */
export async function migrateServer(options: PostgresOptions): Promise<Result<MigratedServer, OpenPostgresError>> {
  const { log, migrations } = options;
  const shipped = await readMigrations(migrations);
  if (shipped.isErr()) return err(shipped.error);
  // A migration has no time limit, and neither has the wait for the migration of another process.
  const server = options.migrator ?? options.server;
  const migrator = { ...options, server, poolSize: 1, statementTimeoutMs: null };
  const isUnpooled = options.setsTimeouts && !server.isPooled;
  return whenReachable(options, async (cutOff) => {
    const checked = await withDatabase(migrator, async (db) => Promise.race([checkServer(db, !isUnpooled), cutOff]));
    if (checked.isErr()) return err(checked.error);
    const { extensionSchemas } = checked.value;
    const migrated = await withDatabase({ ...migrator, extensionSchemas }, async (db) => {
      const applied = await migrate(db, shipped.value);
      const renewed = applied.isErr() ? applied : await renewEmailKeys(db, log);
      return renewed.isErr() ? err(renewed.error) : applied;
    });
    if (migrated.isErr()) return err(migrated.error);
    if (migrated.value > 0) log.info({ migrations: migrated.value }, "schema migrated");
    return ok({ shipped: shipped.value, extensionSchemas });
  });
}

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5000;

type Attempted = DatabaseUnsuitable | MigrationDrift | StorageFailure;

/** The failure of an attempt that the start timeout ends. */
const CUT_OFF: StorageFailure = {
  kind: "storage_failure",
  reason: "unavailable",
  isTransient: true,
  operation: "server.check",
  cause: { sqlState: "08001", message: "The server does not answer." },
};

/**
 * Retries a start with exponential backoff and full jitter while the database is not reachable, for at most `startTimeoutMs`,
 * delays included. A start is not a call of the storage, so no other retry surrounds this one.
 *
 * @param attemptOnce Gets a promise of the timeout failure, for a race with operations that have no deadline.
 */
async function whenReachable<T>(
  { startTimeoutMs, connectTimeoutMs, log }: PostgresOptions,
  attemptOnce: (cutOff: Promise<Result<never, StorageFailure>>) => Promise<Result<T, Attempted>>,
): Promise<Result<T, OpenPostgresError>> {
  const startedAt = performance.now();
  const elapsedMs = () => Math.round(performance.now() - startedAt);
  let lastCause: unknown;
  for (let attempts = 1; ; attempts++) {
    const over = new AbortController();
    // Without a start timeout there is one attempt.
    const attemptMs = startTimeoutMs === 0 ? connectTimeoutMs : startTimeoutMs - elapsedMs();
    const cutOff = delay(attemptMs, undefined, { signal: over.signal }).then(
      () => fail(CUT_OFF),
      () => fail(CUT_OFF),
    );
    const attempted = await attemptOnce(cutOff).catch((cause: unknown) =>
      fail({ kind: "database_refused", cause } as const),
    );
    over.abort();
    if (attempted.isOk()) return ok(attempted.value);
    const { error } = attempted;
    if (error.kind !== "storage_failure" || !error.isTransient) return err(error);
    if (error !== CUT_OFF || lastCause === undefined) lastCause = error.cause;
    const waitedMs = elapsedMs();
    if (waitedMs >= startTimeoutMs) return fail({ kind: "database_unreachable", waitedMs, cause: lastCause });
    const maxDelayMs = Math.min(FIRST_DELAY_MS * 2 ** attempts, MAX_DELAY_MS);
    const delayMs = Math.min(Math.round(Math.random() * maxDelayMs), startTimeoutMs - waitedMs);
    log.warn({ attempts, waitedMs, delayMs, cause: lastCause }, "the database is not reached yet");
    await delay(delayMs);
  }
}
