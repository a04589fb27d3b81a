import { setTimeout as delay } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import { err, ok, type Result } from "neverthrow";
import type postgres from "postgres";
import type { Log } from "../../application/ports/log.ts";
import type { StorageProbe } from "../../application/ports/storage-probe.ts";
import type { Storage } from "../../application/ports/storage.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { attempt } from "../drizzle/attempt.ts";
import { checkSchema } from "../drizzle/check-schema.ts";
import { renewEmailKeys } from "../drizzle/email-keys.ts";
import type { Database } from "../drizzle/database.ts";
import { drizzleRepositories, drizzleUnitOfWork } from "../drizzle/drizzle-unit-of-work.ts";
import { renewTitleKeys, type RenewTitleKeys } from "../drizzle/title-keys.ts";
import {
  readMigrations,
  type Migration,
  type MigrationDrift,
  type MigrationsUnreadable,
} from "../drizzle/migrations.ts";
import { withRetry } from "../storage/retry.ts";
import { shownPosition, writtenPosition } from "./durable-lsn.ts";
import { checkServer, type CheckedServer, type DatabaseUnsuitable } from "./check-server.ts";
import { migrate } from "./migrate.ts";
import { readsOnReplicas, type Replica } from "./replicas.ts";
import { serverClient, type ServerClient, type ServerOptions } from "./server-client.ts";
import type { ServerUrl } from "./server-url.ts";

/** The database was not reached in the time that a start may take; `cause` says why the last attempt failed. */
export interface DatabaseUnreachable {
  readonly kind: "database_unreachable";
  readonly waitedMs: number;
  readonly cause: unknown;
}

/** The database answers and does not let us in, or lacks what we need; another attempt would meet the same. */
export interface DatabaseRefused {
  readonly kind: "database_refused";
  readonly cause: unknown;
}

export type OpenPostgresError =
  DatabaseUnreachable | DatabaseRefused | DatabaseUnsuitable | MigrationsUnreadable | MigrationDrift | StorageFailure;

export interface PostgresStorage extends Storage {
  readonly renewTitleKeys: RenewTitleKeys;
}

export interface PostgresOptions extends ServerOptions {
  /** By which the schema is changed, where the server's role may not. */
  readonly migrator: ServerUrl | null;
  /** Standbys of the server, which lists and posts are read on. */
  readonly replicas: readonly ServerUrl[];
  /** How long a start waits for the database. */
  readonly startTimeoutMs: number;
  /** How many bytes an account may store; 0 for any number. */
  readonly accountQuotaBytes: number;
  /** Where drizzle-kit has written the migrations. */
  readonly migrations: string;
  readonly log: Log;
}

export const CLOSE_GRACE_MS = 5000;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5000;

/** Reaches a PostgreSQL server, brings its schema up to date, and gives the adapters on it. */
export async function openPostgresStorage(
  options: PostgresOptions,
): Promise<Result<PostgresStorage, OpenPostgresError>> {
  const { log } = options;
  const migrated = await migrateServer(options);
  if (migrated.isErr()) return err(migrated.error);
  const { shipped, extensionSchemas } = migrated.value;
  const client = serverClient({ ...options, extensionSchemas });
  const db = databaseOn(client);
  const storageOptions = { accountQuotaBytes: options.accountQuotaBytes, isShared: true };
  const standbys = options.replicas.map((replica) => openStandby({ ...options, extensionSchemas }, replica));
  const storage: Storage = {
    ...drizzleRepositories(db, storageOptions),
    unitOfWork: drizzleUnitOfWork(db, storageOptions),
    probe: {
      check: async () => {
        const checked = await checkSchema(db, shipped);
        return checked.isErr() ? err(checked.error) : statusOf(db);
      },
    },
    close: async () => {
      const clients = [client, ...standbys.map((standby) => standby.client)];
      await Promise.all(clients.map(async (each) => each.end(CLOSE_GRACE_MS)));
      return ok();
    },
  };
  const primary = { storage: withRetry(storage, log), position: writtenPosition(db) };
  return ok({
    ...readsOnReplicas(primary, standbys.map(replicaOn), log),
    renewTitleKeys: async (isStopping) => renewTitleKeys(db, isStopping),
  });
}

export interface MigratedServer extends CheckedServer {
  /** The migrations of this program, all of which the server has. */
  readonly shipped: readonly Migration[];
}

/** Checks a server, and brings its schema up to date by the role that may. */
export async function migrateServer(options: PostgresOptions): Promise<Result<MigratedServer, OpenPostgresError>> {
  const { log, migrations } = options;
  const shipped = await readMigrations(migrations);
  if (shipped.isErr()) return err(shipped.error);
  // A migration may take as long as it must, and so may one of another process that is waited for.
  const server = options.migrator ?? options.server;
  const migrator = { ...options, server, poolSize: 1, statementTimeoutMs: null };
  const isUnpooled = options.setsTimeouts && !server.isPooled;
  return whenReachable(options, async (cutOff) => {
    const checked = await onClient(migrator, async (db) => Promise.race([checkServer(db, !isUnpooled), cutOff]));
    if (checked.isErr()) return err(checked.error);
    const { extensionSchemas } = checked.value;
    const migrated = await onClient({ ...migrator, extensionSchemas }, async (db) => {
      const applied = await migrate(db, shipped.value);
      const renewed = applied.isErr() ? applied : await renewEmailKeys(db, log);
      return renewed.isErr() ? err(renewed.error) : applied;
    });
    if (migrated.isErr()) return err(migrated.error);
    if (migrated.value > 0) log.info({ migrations: migrated.value }, "the schema was brought up to date");
    return ok({ shipped: shipped.value, extensionSchemas });
  });
}

async function onClient<T>(options: ServerOptions, use: (db: Database) => Promise<T>): Promise<T> {
  const client = serverClient(options);
  try {
    return await use(databaseOn(client));
  } finally {
    await client.end(0);
  }
}

interface Standby {
  readonly client: ServerClient;
  readonly server: ServerUrl;
}

function openStandby(options: ServerOptions, server: ServerUrl): Standby {
  return { client: serverClient({ ...options, server }), server };
}

/** Nothing is written to a standby. */
const READ_ONLY = { accountQuotaBytes: 0, isShared: true };

function replicaOn({ client, server }: Standby): Replica {
  const db = databaseOn(client);
  return {
    place: server.place,
    repositories: drizzleRepositories(db, READ_ONLY),
    position: shownPosition(db),
  };
}

export function databaseOn(client: ServerClient): Database {
  // Drizzle's types ask for all of postgres.js; of it, its session uses what ServerClient has.
  return drizzle({ client: client as unknown as postgres.Sql });
}

type Attempted = DatabaseUnsuitable | MigrationDrift | StorageFailure;

/** The failure of an attempt that is cut off at the end of the time that a start may take. */
const CUT_OFF: StorageFailure = {
  kind: "storage_failure",
  reason: "unavailable",
  isTransient: true,
  operation: "server.check",
  cause: { sqlState: "08001", message: "The server does not answer." },
};

/**
 * Tries again while the database is not there, after delays that grow and are shared out by chance (full jitter). It gives up
 * when the time is over and not before: the last delay is no longer than the rest. `attempt` is given a failure that comes
 * then, to race with what may not take longer. With a time of 0 there is one attempt.
 */
async function whenReachable<T>(
  { startTimeoutMs, connectTimeoutMs, log }: PostgresOptions,
  attemptOnce: (cutOff: Promise<Result<never, StorageFailure>>) => Promise<Result<T, Attempted>>,
): Promise<Result<T, OpenPostgresError>> {
  const startedAt = performance.now();
  const waited = () => Math.round(performance.now() - startedAt);
  let lastCause: unknown;
  for (let attempts = 1; ; attempts++) {
    const over = new AbortController();
    const attemptMs = startTimeoutMs === 0 ? connectTimeoutMs : startTimeoutMs - waited();
    const cutOff = delay(attemptMs, undefined, { signal: over.signal }).then(
      () => fail(CUT_OFF),
      () => fail(CUT_OFF),
    );
    const attempted = await attemptOnce(cutOff).catch((cause: unknown) =>
      fail({ kind: "database_refused", cause } as const),
    );
    over.abort();
    if (attempted.isOk()) return ok(attempted.value);
    if (attempted.error.kind !== "storage_failure" || !attempted.error.isTransient) return err(attempted.error);
    if (attempted.error !== CUT_OFF || lastCause === undefined) lastCause = attempted.error.cause;
    const [waitedMs, longestDelayMs] = [waited(), Math.min(FIRST_DELAY_MS * 2 ** attempts, MAX_DELAY_MS)];
    if (waitedMs >= startTimeoutMs) return fail({ kind: "database_unreachable", waitedMs, cause: lastCause });
    const delayMs = Math.min(Math.round(Math.random() * longestDelayMs), startTimeoutMs - waitedMs);
    log.warn({ attempts, waitedMs, delayMs, cause: lastCause }, "the database is not reached yet");
    await delay(delayMs);
  }
}

/** What the server promises of a write, and whether it takes one now. */
async function statusOf(db: Database): ReturnType<StorageProbe["check"]> {
  const asked = await attempt(db, "probe.check", async () =>
    db
      .select({
        isDurable: sql<boolean>`current_setting('fsync')::boolean and current_setting('synchronous_commit') <> 'off'`,
        isStandby: sql<boolean>`pg_is_in_recovery()`,
      })
      .from(sql`(values (1)) as one`),
  );
  return asked.map(([status]) => ({
    durability: status?.isDurable === true ? "fsync" : "relaxed",
    writable: status?.isStandby === false,
  }));
}
