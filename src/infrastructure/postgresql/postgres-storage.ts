import { setTimeout as delay } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import { err, ok, type Result } from "neverthrow";
import type postgres from "postgres";
import type { Log } from "../../application/ports/log.ts";
import type { StorageProbe } from "../../application/ports/storage-probe.ts";
import type { Repositories, UnitOfWork } from "../../application/ports/unit-of-work.ts";
import { fail } from "../../domain/fail.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import { attempt } from "../drizzle/attempt.ts";
import { checkSchema } from "../drizzle/check-schema.ts";
import { renewEmailKeys } from "../drizzle/email-keys.ts";
import type { Database } from "../drizzle/database.ts";
import { drizzleRepositories, drizzleUnitOfWork } from "../drizzle/drizzle-unit-of-work.ts";
import {
  readMigrations,
  type Migration,
  type MigrationDrift,
  type MigrationsUnreadable,
} from "../drizzle/migrations.ts";
import { isTransient, resilient } from "../resilience.ts";
import { shownPosition, writtenPosition } from "./log-position.ts";
import { migrate } from "./migrate.ts";
import { readsOnReplicas, type Replica } from "./replicas.ts";
import { serverClient, type ServerClient, type ServerOptions } from "./server-client.ts";
import { withoutSecrets, type ServerUrl } from "./server-url.ts";

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
  DatabaseUnreachable | DatabaseRefused | MigrationsUnreadable | MigrationDrift | StorageFailure;

export interface PostgresStorage extends Repositories {
  readonly unitOfWork: UnitOfWork;
  readonly probe: StorageProbe;
  /** Ends every connection, after what runs on it. */
  close(): Promise<void>;
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
const LONGEST_DELAY_MS = 5000;

/** Reaches a PostgreSQL server, brings its schema up to date, and gives the adapters on it. */
export async function openPostgresStorage(
  options: PostgresOptions,
): Promise<Result<PostgresStorage, OpenPostgresError>> {
  const { log } = options;
  const migrated = await migrateServer(options);
  if (migrated.isErr()) return err(migrated.error);
  const client = serverClient(options);
  const db = databaseOn(client);
  const storage = { accountQuotaBytes: options.accountQuotaBytes, isShared: true };
  const { unitOfWork, ...repositories } = resilient(
    { ...drizzleRepositories(db, storage), unitOfWork: drizzleUnitOfWork(db, storage) },
    log,
  );
  const standbys = options.replicas.map((replica) => openStandby(options, replica));
  const reads = readsOnReplicas({ repositories, position: writtenPosition(db) }, standbys.map(replicaOn), log);
  const probe: StorageProbe = {
    check: async () => {
      const checked = await checkSchema(db, migrated.value);
      return checked.isErr() ? err(checked.error) : statusOf(db);
    },
  };
  return ok({
    ...reads.repositories,
    unitOfWork,
    probe,
    close: async () => {
      reads.close();
      const clients = [client, ...standbys.map((standby) => standby.client)];
      await Promise.all(clients.map(async (each) => each.end(CLOSE_GRACE_MS)));
    },
  });
}

/** Brings the schema of a server up to date, by the role that may; gives the migrations that it then has. */
export async function migrateServer(
  options: PostgresOptions,
): Promise<Result<readonly Migration[], OpenPostgresError>> {
  const { log, migrator, migrations } = options;
  const shipped = await readMigrations(migrations);
  if (shipped.isErr()) return err(shipped.error);
  const client = serverClient({ ...options, server: migrator ?? options.server, poolSize: 1 });
  const db = databaseOn(client);
  const migrated = await whenReachable(options, async () => migrate(db, shipped.value));
  const renewed = migrated.isErr() ? migrated : await whenReachable(options, async () => renewEmailKeys(db, log));
  await client.end(CLOSE_GRACE_MS);
  if (migrated.isErr()) return err(migrated.error);
  if (renewed.isErr()) return err(renewed.error);
  if (migrated.value > 0) log.info({ migrations: migrated.value }, "the schema was brought up to date");
  return ok(shipped.value);
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
    place: withoutSecrets(server),
    repositories: drizzleRepositories(db, READ_ONLY),
    position: shownPosition(db),
  };
}

export function databaseOn(client: ServerClient): Database {
  // Drizzle's types ask for all of postgres.js; of it, its session uses what ServerClient has.
  return drizzle({ client: client as unknown as postgres.Sql });
}

/** Asks again while the database is not there, after delays that grow and are shared out by chance (full jitter). */
async function whenReachable<T>(
  { startTimeoutMs, log }: PostgresOptions,
  ask: () => Promise<Result<T, MigrationDrift | StorageFailure>>,
): Promise<Result<T, OpenPostgresError>> {
  const startedAt = performance.now();
  for (let attempts = 1; ; attempts++) {
    const asked = await ask().catch((cause: unknown) => fail({ kind: "database_refused", cause } as const));
    if (asked.isOk()) return ok(asked.value);
    if (!("operation" in asked.error) || !isTransient(asked.error)) return err(asked.error);
    const { cause } = asked.error;
    const waitedMs = Math.round(performance.now() - startedAt);
    const delayMs = Math.round(Math.random() * Math.min(FIRST_DELAY_MS * 2 ** attempts, LONGEST_DELAY_MS));
    if (waitedMs + delayMs > startTimeoutMs) return fail({ kind: "database_unreachable", waitedMs, cause });
    log.warn({ attempts, waitedMs, delayMs, cause }, "the database is not reached yet");
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
