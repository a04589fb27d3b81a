import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { err, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { createDirectory } from "../directory/create-directory.ts";
import type { KernelLockUnavailable } from "../directory/kernel-lock.ts";
import { BACKUP_SCRATCH, LOCK_FILE } from "../directory/layout.ts";
import { lockDataDirectory, type DataDirectoryInUse } from "../directory/lock.ts";
import type { BackupSourceFailed } from "./backup-source.ts";
import { removePaced } from "./paced-removal.ts";
import { diskPause } from "./pause.ts";

/** A directory for temporary copies, which this process has locked. */
export interface ScratchDirectory {
  readonly path: string;
  /** Removes all copies. */
  clear(): Promise<void>;
  /** Removes the directory and unlocks it. */
  remove(): Promise<void>;
}

/** Locks a scratch directory, and clears what an interrupted process has left in it. Throws the operating system's error. */
export async function openScratch(
  path: string,
): Promise<Result<ScratchDirectory, DataDirectoryInUse | KernelLockUnavailable>> {
  await createDirectory(path);
  const locked = lockDataDirectory(path);
  if (locked.isErr()) return locked.map(() => neverOpened());
  const clear = async () => {
    for (const name of await readdir(path)) {
      if (name !== LOCK_FILE) await removePaced(join(path, name), diskPause);
    }
  };
  try {
    await clear();
  } catch (thrown) {
    locked.value.release();
    throw thrown;
  }
  const remove = async () => removePaced(path, diskPause).finally(locked.value.release);
  return locked.map(() => ({ path, clear, remove }));
}

function neverOpened(): never {
  throw new Error("A scratch directory in use was opened.");
}

/**
 * Runs `work` in the scratch directory of a data directory, and removes it. Fails with `backup_source_failed` while another process
 * uses it.
 */
export async function inScratch<T, E>(
  directory: string,
  work: (scratch: ScratchDirectory) => Promise<Result<T, E>>,
): Promise<Result<T, E | BackupSourceFailed | KernelLockUnavailable>> {
  const opened = await openScratch(join(directory, BACKUP_SCRATCH));
  if (opened.isErr()) {
    if (opened.error.kind === "kernel_lock_unavailable") return err(opened.error);
    const detail = "a backup or a verification of it is running";
    return fail({ kind: "backup_source_failed", directory, reason: "busy", detail });
  }
  const scratch = opened.value;
  try {
    return await work(scratch);
  } finally {
    await scratch.remove();
  }
}
