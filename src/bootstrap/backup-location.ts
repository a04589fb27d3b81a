import { statSync } from "node:fs";
import { ok, type Result } from "neverthrow";
import { fail } from "../domain/shared/fail.ts";
import { backupName, type BackupStore } from "../infrastructure/pglite/backup/backup-store.ts";
import { fileAt, fileStore, isFilePath } from "../infrastructure/pglite/backup/file-store.ts";

/** There is no backup at the location, or no location was given. */
export interface BackupMissing {
  readonly kind: "backup_missing";
  readonly location: string;
}

/** The store of backups cannot be used. */
export interface BackupStoreFailed {
  readonly kind: "backup_store_failed";
  readonly location: string;
  readonly cause: unknown;
}

export interface BackupLocation {
  readonly store: BackupStore;
  readonly name: string;
}

/** The place of a new backup: the file itself, or a file in the directory with the time in its name. */
export function newBackup(location: string, at: Date): BackupLocation {
  return isFilePath(location) ? fileAt(location) : { store: fileStore(location), name: backupName(at) };
}

/** An existing backup: the file itself, or the newest one of a directory. Fails with `backup_missing`. */
export async function existingBackup(
  location: string,
): Promise<Result<BackupLocation, BackupMissing | BackupStoreFailed>> {
  try {
    if (statSync(location).isFile()) return ok(fileAt(location));
    const store = fileStore(location);
    const name = (await store.list()).at(-1);
    return name === undefined ? fail({ kind: "backup_missing", location }) : ok({ store, name });
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    return isMissing ? fail({ kind: "backup_missing", location }) : fail({ kind: "backup_store_failed", location, cause });
  }
}
