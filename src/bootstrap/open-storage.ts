import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { err, type Result } from "neverthrow";
import type { Log } from "../application/ports/log.ts";
import type { Storage } from "../application/ports/storage.ts";
import type { StorageFailure } from "../domain/shared/storage-failure.ts";
import type { Config } from "./config.ts";
import type { DatabaseConfig } from "./config/database-variables.ts";
import type { TransferEndpoint } from "../infrastructure/transfer/endpoint.ts";
import type { SearchIndex } from "../infrastructure/drizzle/search/search-index.ts";
import type { RenewTitleKeys } from "../infrastructure/drizzle/title-keys.ts";
import type { BeginBaseBackup } from "../infrastructure/pglite/client/base-backup.ts";
import type { ClaimedDirectory } from "../infrastructure/pglite/directory/claim.ts";
import type { DataDirectoryGone } from "../infrastructure/pglite/directory/removal-detector.ts";
import { QUIRE_SCHEMA } from "../infrastructure/pglite/quire-schema.ts";
import type { OpenPgliteError } from "../infrastructure/pglite/storage.ts";
import { packageFile } from "../infrastructure/node/package-files.ts";
import { requireDatabase, type NoDatabase } from "../infrastructure/pglite/directory/require-database.ts";
import type { EngineGaveUp } from "../infrastructure/pglite/client/supervisor.ts";
import type { StorageStatistics } from "../infrastructure/storage/storage-statistics.ts";
import type { OpenPostgresError } from "../infrastructure/postgresql/migrate-server.ts";

/** The migrations that drizzle-kit has generated. */
export const MIGRATIONS_FOLDER = fileURLToPath(packageFile("drizzle"));

/** A storage with the parts that only the process needs. */
export interface OpenedStorage extends Storage {
  readonly renewTitleKeys: RenewTitleKeys;
  readonly searchIndex: SearchIndex;
  readonly statistics: () => Promise<StorageStatistics>;
  /** Deletes the rate limits that have ended, which workers count on a server of PostgreSQL. */
  readonly purgeRateLimits?: (now: Date) => Promise<Result<void, StorageFailure>>;
  /** Whether no request waits for the database. A server of PostgreSQL has no single queue. */
  readonly isIdle: () => boolean;
  /** Begins a backup of the files; `null` for a PostgreSQL server, which has its own tools. */
  readonly beginBackup: BeginBaseBackup | null;
  /** The location of the data: a path, or a URL without its password. */
  readonly location: string;
  /** Resolves when this process has lost its storage for good; never otherwise. */
  readonly gaveUp: Promise<EngineGaveUp | DataDirectoryGone>;
}

export type OpenStorageError = OpenPgliteError | OpenPostgresError | NoDatabase;

/** Whether the database may be created if there is none. */
export type NewDatabase = "allowed" | "refused";

/**
 * Opens the configured database: a PostgreSQL server or the embedded one. Only the adapter that is used is loaded.
 *
 * @param claimed The data directory, if the caller has claimed it already.
 */
export async function openStorage(
  config: Config,
  log: Log,
  claimed?: ClaimedDirectory,
): Promise<Result<OpenedStorage, OpenStorageError>> {
  return config.database === null
    ? openEmbedded(config, log, claimed ?? config.dataDirectory)
    : openServer(serverOptions(config, config.database), log);
}

/** Opens the configured database. Fails with `no_database` if there is none. */
export async function openExistingStorage(config: Config, log: Log): Promise<Result<OpenedStorage, OpenStorageError>> {
  const found = await requireExisting(config, log);
  return found.isErr() ? err(found.error) : openStorage(config, log);
}

/** Opens the configured database as an endpoint of a transfer, with the role that may migrate its schema. */
export async function openTransferEndpoint(
  config: Config,
  log: Log,
  newDatabase: NewDatabase,
): Promise<Result<TransferEndpoint, OpenStorageError>> {
  if (newDatabase === "refused") {
    const found = await requireExisting(config, log);
    if (found.isErr()) return err(found.error);
  }
  const { embeddedEndpoint, serverEndpoint } = await import("../infrastructure/transfer/endpoint.ts");
  const { database, dataDirectory: directory, durability, freeSpaceBytes, statementDeadlineMs } = config;
  const common = { migrations: MIGRATIONS_FOLDER, log };
  return database === null
    ? embeddedEndpoint({ ...common, directory, durability, freeSpaceBytes, statementDeadlineMs })
    : serverEndpoint({ ...common, ...serverOptions(config, database) });
}

async function requireExisting(config: Config, log: Log): Promise<ReturnType<typeof requireDatabase>> {
  const { database, dataDirectory } = config;
  if (database === null) return requireDatabase(dataDirectory);
  const { requireServerDatabase } = await import("../infrastructure/postgresql/require-database.ts");
  return requireServerDatabase({ ...serverOptions(config, database), migrations: MIGRATIONS_FOLDER, log });
}

async function openEmbedded(config: Config, log: Log, directory: string | ClaimedDirectory) {
  const { openEmbeddedDatabase } = await import("../infrastructure/pglite/embedded-database.ts");
  const { durability, freeSpaceBytes, statementDeadlineMs, accountQuotaBytes, cacheBytes } = config;
  const location = typeof directory === "string" ? resolve(directory) : directory.directory;
  const limits = { durability, freeSpaceBytes, statementDeadlineMs, accountQuotaBytes, cacheBytes };
  const options = { directory, ...limits, migrations: MIGRATIONS_FOLDER, schema: QUIRE_SCHEMA, log };
  // PostgreSQL starts on its own thread while this one loads the adapters.
  const opening = openEmbeddedDatabase(options);
  const { openPgliteStorage } = await import("../infrastructure/pglite/storage.ts");
  return (await openPgliteStorage(options, opening)).map((storage): OpenedStorage => ({ ...storage, location }));
}

function serverOptions({ statementDeadlineMs, accountQuotaBytes }: Config, database: DatabaseConfig) {
  return { ...database, statementTimeoutMs: statementDeadlineMs, accountQuotaBytes };
}

async function openServer(database: ReturnType<typeof serverOptions>, log: Log) {
  const { openPostgresStorage } = await import("../infrastructure/postgresql/postgres-storage.ts");
  const opened = await openPostgresStorage({ ...database, migrations: MIGRATIONS_FOLDER, log });
  const { location } = database.server;
  return opened.map((storage): OpenedStorage => ({
    ...storage,
    location,
    beginBackup: null,
    isIdle: () => true,
    gaveUp: new Promise(() => {}),
  }));
}
