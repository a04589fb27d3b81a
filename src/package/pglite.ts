/** `quire-api/pglite`: a storage on the embedded PostgreSQL. */
import { err, type Result } from "neverthrow";
import type { Log } from "../application/ports/log.ts";
import { readConfig, type ConfigInvalid } from "../bootstrap/config.ts";
import type { StorageConfig } from "../bootstrap/config/storage-variables.ts";
import { openStorage, type OpenedStorage, type OpenStorageError } from "../bootstrap/open-storage.ts";
import { nullLog } from "../infrastructure/node/null-log.ts";

export type { OpenedStorage, OpenStorageError };

/** The defaults are those of the server. */
export interface PgliteStorageOptions extends Partial<Omit<StorageConfig, "dataDirectory">> {
  /** The data directory. It is created if it does not exist. */
  readonly directory: string;
  readonly log?: Log;
}

/** Opens the embedded PostgreSQL of a data directory, and migrates its schema. */
export async function openPgliteStorage({
  directory,
  log = nullLog,
  ...settings
}: PgliteStorageOptions): Promise<Result<OpenedStorage, OpenStorageError | ConfigInvalid>> {
  const config = readConfig({});
  if (config.isErr()) return err(config.error);
  return openStorage({ ...config.value, ...settings, dataDirectory: directory }, log);
}
