import type { PGlite } from "@electric-sql/pglite";
import { DrizzleQueryError } from "drizzle-orm";
import { drizzle, type PgliteDatabase } from "drizzle-orm/pglite";
import { err, ok, type Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import type { SchemaOutdated } from "../../application/ports/storage-probe.ts";
import type { Storage } from "../../application/ports/storage.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { checkSchema } from "../drizzle/check-schema.ts";
import { renewEmailKeys } from "../drizzle/email-keys.ts";
import { drizzleRepositories, drizzleUnitOfWork } from "../drizzle/drizzle-unit-of-work.ts";
import { renewTitleKeys, type RenewTitleKeys } from "../drizzle/title-keys.ts";
import {
  appliedMigrations,
  applyMigration,
  pendingMigrations,
  readMigrations,
  type Migration,
  type MigrationDrift,
  type MigrationsUnreadable,
} from "../drizzle/migrations.ts";
import { cacheSessions } from "../storage/session-cache.ts";
import { logSchemaChange } from "../node/schema-change-log.ts";
import {
  openEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  type OpenEmbeddedPostgresError,
} from "./embedded-postgres.ts";
import type { DrizzleClient } from "./client/client.ts";
import { shorteningOnLowSpace } from "./directory/low-space.ts";

export interface PgliteStorage extends Storage, Pick<EmbeddedPostgres, "gaveUp"> {
  readonly renewTitleKeys: RenewTitleKeys;
}

export type MigrateError = MigrationsUnreadable | MigrationDrift | StorageFailure;

export type OpenPgliteError = OpenEmbeddedPostgresError | MigrateError;

interface PgliteOptions extends EmbeddedPostgresOptions {
  /** How many bytes an account may store; 0 for any number. */
  readonly accountQuotaBytes: number;
  /** Where drizzle-kit has written the migrations. */
  readonly migrations: string;
}

/** Opens the embedded PostgreSQL of a data directory, and brings its schema up to date. */
export async function openPgliteStorage(options: PgliteOptions): Promise<Result<PgliteStorage, OpenPgliteError>> {
  const opened = await openEmbeddedPostgres(options);
  if (opened.isErr()) return err(opened.error);
  const { directory, client, shorteningClient, space, changeSchema, gaveUp, close } = opened.value;
  const { migrations, accountQuotaBytes, log } = options;
  const unusable = (thrown: unknown) => {
    const cause = withoutStatement(thrown);
    if (codeOf(cause) === DISK_FULL) return err(space.tooSmallToMigrate());
    return fail({ kind: "data_directory_unusable", directory, cause } as const);
  };
  const how = { changeSchema, log, accountQuotaBytes };
  const migrated = await migratedStorage(client, migrations, how).catch(unusable);
  if (migrated.isErr()) {
    await close();
    return err(migrated.error);
  }
  const { renewEmailKeys, renewTitleKeys } = migrated.value;
  const renewed = await renewEmailKeys(log).catch(unusable);
  if (renewed.isErr()) {
    // What is stored can be read all the same, and the next start with space renews them.
    const { error } = renewed;
    if (error.kind !== "storage_failure" || (error.reason !== "full" && error.reason !== "corrupt")) {
      await close();
      return err(renewed.error);
    }
    log.warn({ failure: renewed.error }, "the keys of e-mail addresses are not renewed yet");
  }
  const storage = embeddedStorage(opened.value, migrated.value);
  const spaced = shorteningOnLowSpace(storage, portsOn(shorteningClient, accountQuotaBytes), space.isLow);
  return ok({ ...cacheSessions(spaced), renewTitleKeys, gaveUp });
}

/** The storage on an embedded PostgreSQL whose schema is up to date. */
export function embeddedStorage(
  { condition, close }: Pick<EmbeddedPostgres, "condition" | "close">,
  { schemaCheck, users, posts, sessions, idempotencyKeys, unitOfWork }: MigratedStorage,
): Storage {
  const check = async () => {
    const status = condition();
    if (status.isErr()) return err(status.error);
    return (await schemaCheck()).map(() => status.value);
  };
  return { users, posts, sessions, idempotencyKeys, unitOfWork, probe: { check }, close };
}

const DISK_FULL = "53100";

/** Drizzle's own error has the whole statement in its message; why it failed is in its cause. */
function withoutStatement(thrown: unknown): unknown {
  return thrown instanceof DrizzleQueryError && thrown.cause !== undefined ? thrown.cause : thrown;
}

function codeOf(cause: unknown): unknown {
  return typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
}

export interface MigratedStorage extends Omit<Storage, "probe" | "close"> {
  /** Whether every migration is applied still. */
  readonly schemaCheck: () => Promise<Result<void, SchemaOutdated | StorageFailure>>;
  /** Brings what older programs have stored of e-mail addresses up to date. */
  readonly renewEmailKeys: (log: Log) => Promise<Result<void, StorageFailure>>;
  readonly renewTitleKeys: RenewTitleKeys;
}

interface SchemaChange {
  readonly changeSchema?: EmbeddedPostgres["changeSchema"];
  readonly log?: Log;
}

interface MigratedOptions extends SchemaChange {
  readonly accountQuotaBytes?: number;
}

/** The adapters on a database of the embedded engine, with every migration applied. */
export async function migratedStorage(
  client: DrizzleClient,
  migrationsFolder: string,
  { accountQuotaBytes = 0, ...how }: MigratedOptions = {},
): Promise<Result<MigratedStorage, MigrateError>> {
  const db = databaseOn(client);
  const shipped = await applyMigrations(db, migrationsFolder, how);
  return shipped.map((migrations) => ({
    ...portsOn(client, accountQuotaBytes),
    schemaCheck: async () => checkSchema(db, migrations),
    renewEmailKeys: async (log) => renewEmailKeys(db, log),
    renewTitleKeys: async (isStopping) => renewTitleKeys(db, isStopping),
  }));
}

export function databaseOn(client: DrizzleClient): PgliteDatabase {
  // Drizzle's types ask for all of PGlite; of it, its session uses what DrizzleClient has.
  return drizzle({ client: client as unknown as PGlite });
}

function portsOn(client: DrizzleClient, accountQuotaBytes: number): Omit<Storage, "probe" | "close"> {
  const db = databaseOn(client);
  // The engine is one session, and nobody else may open the directory.
  const options = { accountQuotaBytes, isShared: false };
  return { ...drizzleRepositories(db, options), unitOfWork: drizzleUnitOfWork(db, options) };
}

async function applyMigrations(
  db: PgliteDatabase,
  migrationsFolder: string,
  { changeSchema = async (change) => change(), log }: SchemaChange,
): Promise<Result<readonly Migration[], MigrateError>> {
  const shipped = await readMigrations(migrationsFolder);
  if (shipped.isErr()) return err(shipped.error);
  const applied = await appliedMigrations(db);
  if (applied.isErr()) return err(applied.error);
  const pending = pendingMigrations(shipped.value, applied.value);
  if (pending.isErr()) return err(pending.error);
  if (pending.value.length > 0) {
    const change = log === undefined ? null : logSchemaChange(log, pending.value.length);
    const apply = async () =>
      db.transaction(async (transaction) => {
        for (const migration of pending.value) await applyMigration(transaction, migration);
      });
    await changeSchema(apply).finally(() => change?.ended());
    change?.succeeded();
  }
  return ok(shipped.value);
}
