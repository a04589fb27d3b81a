import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { err, type Result } from "neverthrow";
import type { Log } from "../../../application/ports/log.ts";
import type { StopUnclean } from "../../../application/ports/storage.ts";
import { fail } from "../../../domain/shared/fail.ts";
import { readMigrations } from "../../drizzle/read-migrations.ts";
import { fsyncDirectory } from "../directory/atomic-write.ts";
import { fsyncTree, writeFormat } from "../directory/cluster.ts";
import { createDirectory } from "../directory/create-directory.ts";
import { POSTGRESQL_MAJOR } from "../directory/format.ts";
import type { KernelLockUnavailable } from "../directory/kernel-lock.ts";
import { CLUSTER, LOCK_FILE, RESTORE_SCRATCH } from "../directory/layout.ts";
import { lockDataDirectory, type DataDirectoryInUse, type DataDirectoryLock } from "../directory/lock.ts";
import { openEmbeddedDatabase } from "../embedded-database.ts";
import { QUIRE_SCHEMA } from "../quire-schema.ts";
import { closeUnlessOk, migratedStorage, type OpenPgliteError } from "../storage.ts";
import { extractArchive } from "./archive.ts";
import { countBytes, showCheck, type OnBackupProgress } from "./backup-progress.ts";
import type { BackupStore } from "./backup-store.ts";
import { compareContents, type CopyFailed } from "./compare-contents.ts";
import type { Manifest } from "./manifest.ts";
import { noPause } from "./pause.ts";

/** The target holds files, so nothing was written to it. */
export interface RestoreTargetNotEmpty {
  readonly kind: "restore_target_not_empty";
  readonly directory: string;
  readonly found: readonly string[];
}

/** A newer program made the backup. */
export interface BackupTooNew {
  readonly kind: "backup_too_new";
  readonly location: string;
  /** The version of the program that made it. */
  readonly program: string;
}

/** A program with an older PostgreSQL made the backup. */
export interface BackupTooOld {
  readonly kind: "backup_too_old";
  readonly location: string;
  readonly program: string;
  /** The major version of PostgreSQL. */
  readonly postgresql: number;
}

/** The backup is incomplete or damaged, or differs from its manifest. */
export interface BackupDamaged {
  readonly kind: "backup_damaged";
  readonly location: string;
  readonly cause: CopyFailed;
}

/** The backup could not be read, or the restoration was cancelled. Nothing of it remains. */
export interface RestoreInterrupted {
  readonly kind: "restore_interrupted";
  readonly isCancelled: boolean;
  readonly location: string;
  readonly cause: unknown;
}

export type RestoreError =
  | DataDirectoryInUse
  | KernelLockUnavailable
  | RestoreTargetNotEmpty
  | BackupTooNew
  | BackupTooOld
  | BackupDamaged
  | RestoreInterrupted
  | OpenPgliteError
  | StopUnclean;

export interface RestoreOptions {
  readonly store: BackupStore;
  readonly name: string;
  /** The absolute path of the new data directory: missing or empty. */
  readonly directory: string;
  /** Whether everything is done except for the last step, and the result is removed. */
  readonly isRehearsal: boolean;
  /** The folder of the migrations that drizzle-kit has generated. */
  readonly migrations: string;
  readonly freeSpaceBytes: number;
  readonly statementDeadlineMs: number;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onProgress: OnBackupProgress;
}

/**
 * Restores a backup into a directory inside the new data directory, compares it with its manifest, migrates an older
 * schema, and moves it into place in one step. An interruption before that step leaves no database.
 */
export async function restore(options: RestoreOptions): Promise<Result<Manifest, RestoreError>> {
  const { directory, store, name, signal, isRehearsal } = options;
  const existed = existsSync(directory);
  try {
    const locked = await lockEmptyDirectory(directory);
    if (locked.isErr()) return err(locked.error);
    const scratch = join(directory, RESTORE_SCRATCH);
    try {
      await rm(scratch, { recursive: true, force: true });
      const restored = await restoreTo(scratch, options);
      if (restored.isOk() && !isRehearsal) await moveIntoPlace(scratch, directory);
      return restored;
    } finally {
      await rm(scratch, { recursive: true, force: true });
      if (!existsSync(join(directory, CLUSTER))) await rm(join(directory, LOCK_FILE), { force: true });
      if (!existed && !existsSync(join(directory, CLUSTER))) await rm(directory, { recursive: true, force: true });
      locked.value.release();
    }
  } catch (cause) {
    const location = store.locationOf(name);
    return fail({ kind: "restore_interrupted", isCancelled: signal.aborted, location, cause });
  }
}

/** Locks a directory for a restoration, and creates it if it is missing. Nothing is written to one with other files. */
async function lockEmptyDirectory(
  directory: string,
): Promise<Result<DataDirectoryLock, DataDirectoryInUse | KernelLockUnavailable | RestoreTargetNotEmpty>> {
  await createDirectory(directory);
  const entries = await readdir(directory);
  const found = entries.filter((entry) => entry !== LOCK_FILE && entry !== RESTORE_SCRATCH);
  const notEmpty = fail({ kind: "restore_target_not_empty", directory, found } as const);
  if (found.length > 0 && !entries.includes(LOCK_FILE)) return notEmpty;
  const locked = lockDataDirectory(directory);
  if (locked.isErr() || found.length === 0) return locked;
  locked.value.release();
  return notEmpty;
}

async function restoreTo(scratch: string, options: RestoreOptions): Promise<Result<Manifest, RestoreError>> {
  const { store, name, signal, onProgress, migrations } = options;
  const location = store.locationOf(name);
  await mkdir(scratch, { mode: 0o700 });
  const onWritten = countBytes("read", 0, onProgress);
  const extracted = await extractArchive(await store.read(name), scratch, { signal, pause: noPause, onWritten });
  if (extracted.isErr()) return fail({ kind: "backup_damaged", location, cause: extracted.error });
  const manifest = extracted.value;
  const { program, postgresql } = manifest;
  if (postgresql < POSTGRESQL_MAJOR) return fail({ kind: "backup_too_old", location, program, postgresql });
  const shipped = await readMigrations(migrations);
  if (shipped.isErr()) return err(shipped.error);
  const newest = shipped.value.at(-1)?.createdAt ?? 0;
  if (postgresql > POSTGRESQL_MAJOR || manifest.schema.newest > newest) {
    return fail({ kind: "backup_too_new", location, program });
  }
  const compared = await compareContents(scratch, manifest, { signal, pause: noPause, onRead: showCheck(onProgress) });
  if (compared.isErr()) return fail({ kind: "backup_damaged", location, cause: compared.error });
  const migrated = await migrateSchema(scratch, options);
  return migrated.map(() => manifest);
}

/** Opens the restored directory like a server, which applies all migrations that the backup lacks. */
async function migrateSchema(
  directory: string,
  { migrations, freeSpaceBytes, statementDeadlineMs, log }: RestoreOptions,
): Promise<Result<void, OpenPgliteError | StopUnclean>> {
  const options = {
    directory,
    durability: "fsync",
    freeSpaceBytes,
    statementDeadlineMs,
    schema: QUIRE_SCHEMA,
    log,
  } as const;
  const opened = await openEmbeddedDatabase(options);
  if (opened.isErr()) return err(opened.error);
  const { client, changeSchema, close } = opened.value;
  const migrated = await closeUnlessOk(opened.value, log, async () =>
    migratedStorage(client, migrations, { changeSchema, log }),
  );
  return migrated.isErr() ? err(migrated.error) : close();
}

async function moveIntoPlace(scratch: string, directory: string): Promise<void> {
  const cluster = join(scratch, CLUSTER);
  fsyncTree(cluster);
  await rename(cluster, join(directory, CLUSTER));
  await fsyncDirectory(directory);
  await writeFormat(directory);
  await fsyncDirectory(dirname(directory));
}
