import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { unfinishedPath } from "./layout.ts";

/**
 * Writes a file so that a crash or a power cut leaves either the old contents or the new ones. It writes a temporary
 * file in the same directory, then does fsync, rename, and fsync of the directory. After a failure the old file stays.
 * Throws the operating system's error.
 */
export async function writeAtomically(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const unfinished = unfinishedPath(path);
  try {
    await withFile(unfinished, "w", async (file) => {
      await write(file);
      await file.sync();
    });
    await rename(unfinished, path);
  } catch (cause) {
    await rm(unfinished, { force: true });
    throw cause;
  }
  await fsyncDirectory(dirname(path));
}

/** Makes the entries of a directory survive a power cut. */
export async function fsyncDirectory(directory: string): Promise<void> {
  await withFile(directory, "r", async (file) => file.sync());
}

async function withFile(path: string, flags: "r" | "w", work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await work(file);
  } finally {
    await file.close();
  }
}
