import { DrizzleQueryError } from "drizzle-orm";
import { err, ok, type Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import type { SchemaOutdated } from "../../application/ports/storage-probe.ts";
import type { Storage } from "../../application/ports/storage.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { checkSchema } from "../drizzle/check-schema.ts";
import { drizzleRepositories, drizzleUnitOfWork } from "../drizzle/drizzle-unit-of-work.ts";
import { renewEmailKeys } from "../drizzle/email-keys.ts";
import { searchIndexOn, type AnnouncedSearchIndex, type SearchIndex } from "../drizzle/search/search-index.ts";
import { renewTitleKeys, type RenewTitleKeys } from "../drizzle/title-keys.ts";
import { cachePosts } from "../storage/post-cache.ts";
import { newCacheCounts } from "../storage/cache-counts.ts";
import { cacheSessions } from "../storage/session-cache.ts";
import type { EmbeddedStatistics } from "../storage/storage-statistics.ts";
import type { DrizzleClient } from "./client/client.ts";
import {
  openEmbeddedDatabase,
  type EmbeddedDatabase,
  type EmbeddedDatabaseOptions,
  type OpenEmbeddedDatabaseError,
} from "./embedded-database.ts";
import { QUIRE_SCHEMA } from "./quire-schema.ts";
import { limitPostsOnLowDisk } from "./low-disk-posts.ts";
import { undoUnlessOk } from "./undo-unless-ok.ts";
import { databaseOn } from "./drizzle-database.ts";
import { migrate, type MigrateError, type MigrateOptions } from "./migrate.ts";

export interface PgliteStorage extends Storage, Pick<EmbeddedDatabase, "gaveUp" | "isIdle" | "beginBackup"> {
  readonly renewTitleKeys: RenewTitleKeys;
  readonly searchIndex: SearchIndex;
  readonly statistics: () => Promise<EmbeddedStatistics>;
}

export type OpenPgliteError = OpenEmbeddedDatabaseError | MigrateError;

interface PgliteOptions extends Omit<EmbeddedDatabaseOptions, "schema"> {
  /** The maximum bytes that an account may store; 0 means no limit. */
  readonly accountQuotaBytes: number;
  /** The bound on the memory of the post cache; 0 means no cache. */
  readonly cacheBytes: number;
  /** The folder of the migrations that drizzle-kit has generated. */
  readonly migrations: string;
}

/** Opens the embedded database of a data directory, unless the caller has begun to, and migrates its schema. */
export async function openPgliteStorage(
  options: PgliteOptions,
  opening = openEmbeddedDatabase({ ...options, schema: QUIRE_SCHEMA }),
): Promise<Result<PgliteStorage, OpenPgliteError>> {
  const opened = await opening;
  if (opened.isErr()) return err(opened.error);
  return closeUnlessOk(opened.value, options.log, async () => storageOn(opened.value, options));
}

/** Migrates the schema of an open database, and builds the storage on it. */
async function storageOn(
  database: EmbeddedDatabase,
  { migrations, accountQuotaBytes, cacheBytes, log }: PgliteOptions,
): Promise<Result<PgliteStorage, OpenPgliteError>> {
  const { directory, client, shorteningClient, space, changeSchema, onRestarted } = database;
  const { beginBackup, gaveUp, isIdle, statistics: engineStatistics } = database;
  const unusable = (thrown: unknown) => {
    const cause = withoutStatement(thrown);
    if (codeOf(cause) === DISK_FULL) return err(space.tooSmallToMigrate());
    return fail({ kind: "data_directory_unusable", directory, cause } as const);
  };
  const how = { changeSchema, log, accountQuotaBytes };
  const migrated = await migratedStorage(client, migrations, how).catch(unusable);
  if (migrated.isErr()) return err(migrated.error);
  const { renewEmailKeys, renewTitleKeys, searchIndex } = migrated.value;
  const renewed = await renewEmailKeys(log).catch(unusable);
  if (renewed.isErr()) {
    // All data can still be read. The next start with enough space renews the keys.
    const { error } = renewed;
    if (error.kind !== "storage_failure" || (error.reason !== "full" && error.reason !== "corrupt")) return err(error);
    log.warn({ failure: error }, "the keys of e-mail addresses are not renewed yet");
  }
  const storage = embeddedStorage(database, migrated.value);
  const limited = limitPostsOnLowDisk(storage, portsOn(shorteningClient, accountQuotaBytes), space.isLow);
  const caches = newCacheCounts();
  const caching = {
    maxBytes: cacheBytes,
    onDatabaseRestarted: onRestarted,
    onIndexWrite: searchIndex.onWrite,
    counts: caches,
  };
  const cached = cacheSessions(cachePosts(limited, caching), caches);
  const statistics = async () => ({ kind: "embedded", ...(await engineStatistics()), caches }) as const;
  return ok({ ...cached, renewTitleKeys, searchIndex, beginBackup, isIdle, statistics, gaveUp });
}

/**
 * Runs `work` on an open database, and closes the database when the work fails or throws. The caller reports the reason, so a failure
 * to close is logged.
 */
export async function closeUnlessOk<T, E>(
  { close }: Pick<EmbeddedDatabase, "close">,
  log: Log,
  work: () => Promise<Result<T, E>>,
): Promise<Result<T, E>> {
  return undoUnlessOk(work, async () => {
    const closed = await close();
    if (closed.isErr()) log.warn({ failure: closed.error }, "unclean shutdown after a failed start");
  });
}

/** The storage on an embedded PostgreSQL whose schema is up to date. */
export function embeddedStorage(
  { condition, close }: Pick<EmbeddedDatabase, "condition" | "close">,
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

/** Drizzle's own error has the whole statement in its message, and the reason in its cause. */
function withoutStatement(thrown: unknown): unknown {
  return thrown instanceof DrizzleQueryError && thrown.cause !== undefined ? thrown.cause : thrown;
}

function codeOf(cause: unknown): unknown {
  return typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
}

export interface MigratedStorage extends Omit<Storage, "probe" | "close"> {
  /** Whether every migration is still applied. */
  readonly schemaCheck: () => Promise<Result<void, SchemaOutdated | StorageFailure>>;
  /** Updates the keys of e-mail addresses that older programs have stored. */
  readonly renewEmailKeys: (log: Log) => Promise<Result<void, StorageFailure>>;
  readonly renewTitleKeys: RenewTitleKeys;
  readonly searchIndex: AnnouncedSearchIndex;
}

interface MigratedOptions extends Omit<MigrateOptions, "folder"> {
  readonly accountQuotaBytes?: number;
}

/** The adapters on an embedded database, with every migration applied. */
export async function migratedStorage(
  client: DrizzleClient,
  migrationsFolder: string,
  { accountQuotaBytes = 0, ...options }: MigratedOptions = {},
): Promise<Result<MigratedStorage, MigrateError>> {
  const db = databaseOn(client);
  const shipped = await migrate(db, { ...options, folder: migrationsFolder });
  return shipped.map((migrations) => ({
    ...portsOn(client, accountQuotaBytes),
    schemaCheck: async () => checkSchema(db, migrations),
    renewEmailKeys: async (log) => renewEmailKeys(db, log),
    renewTitleKeys: async (isStopping) => renewTitleKeys(db, isStopping),
    searchIndex: searchIndexOn(db),
  }));
}

function portsOn(client: DrizzleClient, accountQuotaBytes: number): Omit<Storage, "probe" | "close"> {
  const db = databaseOn(client);
  // The engine has one session, and no other process may open the directory.
  const options = { accountQuotaBytes, isShared: false };
  return { ...drizzleRepositories(db, options), unitOfWork: drizzleUnitOfWork(db, options) };
}
