import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Result } from "neverthrow";
import type { KernelLockUnavailable } from "../directory/kernel-lock.ts";
import { LOCK_FILE } from "../directory/layout.ts";
import { lockDataDirectory, type DataDirectoryInUse } from "../directory/lock.ts";

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
  await mkdir(path, { recursive: true, mode: 0o700 });
  const locked = lockDataDirectory(path);
  if (locked.isErr()) return locked.map(() => neverOpened());
  const clear = async () => {
    for (const name of await readdir(path)) {
      if (name !== LOCK_FILE) await rm(join(path, name), { recursive: true, force: true });
    }
  };
  await clear();
  const remove = async () => {
    await rm(path, { recursive: true, force: true });
    locked.value.release();
  };
  return locked.map(() => ({ path, clear, remove }));
}

function neverOpened(): never {
  throw new Error("A scratch directory in use was opened.");
}
