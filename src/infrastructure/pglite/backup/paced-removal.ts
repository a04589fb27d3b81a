import { lstat, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Pause } from "./pause.ts";

/** The bytes by which a file is shortened at a time. */
const STEP_BYTES = 16_777_216;

/**
 * Removes a file or a directory, if it exists. Large files are shortened step by step before: when a file of a gigabyte is removed
 * at once, the flushes of other files on the disk, such as the server's write-ahead log, wait until the file system has freed it.
 *
 * @param pause Called after each step with its duration.
 */
export async function removePaced(path: string, pause: Pause): Promise<void> {
  for (const file of await filesAt(path)) await shorten(file, pause);
  await rm(path, { recursive: true, force: true });
}

async function filesAt(path: string): Promise<readonly string[]> {
  const found = await lstat(path).catch(() => null);
  if (found?.isFile() === true) return [path];
  if (found?.isDirectory() !== true) return [];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function shorten(path: string, pause: Pause): Promise<void> {
  const { size } = await lstat(path);
  if (size <= STEP_BYTES) return;
  const file = await open(path, "r+");
  try {
    for (let left = size - STEP_BYTES; left > 0; left -= STEP_BYTES) {
      const startedAt = performance.now();
      await file.truncate(left);
      await file.datasync();
      await pause(performance.now() - startedAt);
    }
  } finally {
    await file.close();
  }
}
