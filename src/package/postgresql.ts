/** `quire-api/postgresql`: a storage on a PostgreSQL server. */
import { err, type Result } from "neverthrow";
import type { Log } from "../application/ports/log.ts";
import { readConfig, type ConfigInvalid } from "../bootstrap/config.ts";
import type { DatabaseConfig } from "../bootstrap/config/database-variables.ts";
import type { StorageConfig } from "../bootstrap/config/storage-variables.ts";
import { openStorage, type OpenedStorage, type OpenStorageError } from "../bootstrap/open-storage.ts";
import { nullLog } from "../infrastructure/node/null-log.ts";

export type { OpenedStorage, OpenStorageError };

/** The defaults are those of the server. */
export interface PostgresStorageOptions
  extends
    Partial<Omit<DatabaseConfig, "server" | "migrator" | "replicas">>,
    Partial<Pick<StorageConfig, "statementDeadlineMs" | "accountQuotaBytes">> {
  /** The URL of the database, as in `DATABASE_URL`. */
  readonly url: string;
  /** The URL with the role that may change the schema, if the role of `url` may not. */
  readonly migrationUrl?: string;
  /** The URLs of standbys, which serve reads. */
  readonly replicaUrls?: readonly string[];
  readonly log?: Log;
}

/**
 * Opens a database of a PostgreSQL server, and migrates its schema. Fails with `config_invalid` for an invalid URL; the problems
 * name it by the variable of the server, such as `DATABASE_URL`.
 */
export async function openPostgresStorage({
  url,
  migrationUrl,
  replicaUrls = [],
  log = nullLog,
  ...settings
}: PostgresStorageOptions): Promise<Result<OpenedStorage, OpenStorageError | ConfigInvalid>> {
  const config = readConfig({
    DATABASE_URL: url,
    DATABASE_MIGRATION_URL: migrationUrl,
    DATABASE_REPLICA_URLS: replicaUrls.join(" "),
  });
  if (config.isErr()) return err(config.error);
  const { database } = config.value;
  return openStorage(
    { ...config.value, ...settings, database: database === null ? null : { ...database, ...settings } },
    log,
  );
}
