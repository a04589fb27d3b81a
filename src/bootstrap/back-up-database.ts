import { resolve } from "node:path";
import { err, ok, type Result } from "neverthrow";
import { fail } from "../domain/shared/fail.ts";
import { pinoLog } from "../infrastructure/node/pino-log.ts";
import { backUp } from "../infrastructure/pglite/backup/back-up.ts";
import type { BackupStore } from "../infrastructure/pglite/backup/backup-store.ts";
import type { Manifest } from "../infrastructure/pglite/backup/manifest.ts";
import { restore } from "../infrastructure/pglite/backup/restore.ts";
import { requireDatabase } from "../infrastructure/pglite/directory/require-database.ts";
import type { BackupDependencies, ProvenBackup } from "../interfaces/cli/backup.ts";
import { existingBackup, newBackup, type BackupStoreFailed } from "./backup-location.ts";
import { lowerPriority, stopSignal } from "./command-process.ts";
import { loadConfig } from "./config.ts";
import { MIGRATIONS_FOLDER } from "./open-storage.ts";
import type { ProcessFailure } from "./process-failure.ts";
import { VERSION } from "./version.ts";

export const backUpDatabase: BackupDependencies<ProcessFailure>["backUpDatabase"] = async (options, onProgress) => {
  const config = loadConfig();
  if (config.isErr()) return err(config.error);
  const { database, dataDirectory, freeSpaceBytes, backup } = config.value;
  if (database !== null) return fail({ kind: "backup_by_server_tools", location: database.server.location });
  const { to = backup.to, keep = backup.keep } = options;
  if (to === null) {
    return err({ kind: "command_line_invalid", detail: "error: --to is missing, and QUIRE_BACKUP_TO is not set" });
  }
  const found = requireDatabase(dataDirectory);
  if (found.isErr()) return err(found.error);
  lowerPriority();
  const createdAt = new Date();
  const place = await newBackup(to, createdAt);
  if (place.isErr()) return err(place.error);
  const { store, name } = place.value;
  const proven = await backUp({
    directory: resolve(dataDirectory),
    store,
    name,
    program: VERSION,
    createdAt,
    freeSpaceBytes,
    signal: stopSignal().signal,
    onProgress,
  });
  if (proven.isErr()) return err(proven.error);
  const removed = await removeOld(store, keep);
  return removed.map((names) => ({ ...summary(store.locationOf(name), proven.value), removed: names }));
};

export const restoreBackup: BackupDependencies<ProcessFailure>["restoreBackup"] = async (options, onProgress) => {
  const { from, to, isRehearsal } = options;
  // The configured database is not the target.
  const config = loadConfig({ DATABASE_URL: "", DATABASE_MIGRATION_URL: "", DATABASE_REPLICA_URLS: "" });
  if (config.isErr()) return err(config.error);
  const found = await existingBackup(from);
  if (found.isErr()) return err(found.error);
  const { store, name } = found.value;
  const { freeSpaceBytes, statementDeadlineMs } = config.value;
  const directory = resolve(to);
  const restored = await restore({
    store,
    name,
    directory,
    isRehearsal,
    migrations: MIGRATIONS_FOLDER,
    freeSpaceBytes,
    statementDeadlineMs,
    log: pinoLog("warn"),
    signal: stopSignal().signal,
    onProgress,
  });
  return restored.map((manifest) => ({ ...summary(store.locationOf(name), manifest), directory }));
};

/** Deletes the oldest backups, so that `keep` remain; `null` keeps all. Returns the locations of the deleted ones. */
async function removeOld(
  store: BackupStore,
  keep: number | null,
): Promise<Result<readonly string[], BackupStoreFailed>> {
  if (keep === null) return ok([]);
  try {
    const names = (await store.list()).slice(0, -keep);
    for (const name of names) await store.remove(name);
    return ok(names.map((name) => store.locationOf(name)));
  } catch (cause) {
    return fail({ kind: "backup_store_failed", location: store.location, cause });
  }
}

function summary(location: string, { createdAt, program, lsn, tables }: Manifest): ProvenBackup {
  return { location, createdAt, program, lsn, tables };
}
