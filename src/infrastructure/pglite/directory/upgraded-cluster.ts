import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fsyncDirectory } from "./atomic-write.ts";
import { createDirectory } from "./create-directory.ts";
import {
  ACKNOWLEDGED_FILE,
  BEFORE_UPGRADE,
  CLUSTER,
  FORMAT_FILE,
  INDEX_CHECK_DUE_FILE,
  RELATION_FILES_FILE,
  UPGRADED_CLUSTER,
} from "./layout.ts";

/** A cluster with the files that describe it. */
const OLD_FILES = [FORMAT_FILE, ACKNOWLEDGED_FILE, RELATION_FILES_FILE, INDEX_CHECK_DUE_FILE, CLUSTER];

/**
 * Moves a verified cluster, all of which has been flushed, into a locked data directory. This one step completes the upgrade:
 * after it, each start finishes what an interruption has left. Throws the operating system's error.
 */
export async function commitUpgrade(cluster: string, directory: string): Promise<void> {
  await rename(cluster, join(directory, UPGRADED_CLUSTER));
  await fsyncDirectory(dirname(cluster));
  await fsyncDirectory(directory);
  await finishUpgrade(directory);
}

/**
 * Replaces the cluster of a locked data directory by one that an upgrade has committed, and keeps the old one. Returns whether
 * there was one. An interruption at any moment leaves the rest for the next call. Throws the operating system's error.
 */
export async function finishUpgrade(directory: string): Promise<boolean> {
  const upgraded = join(directory, UPGRADED_CLUSTER);
  if (!existsSync(upgraded)) return false;
  // As long as the upgraded cluster has its own name, all other files belong to the old one.
  const kept = join(directory, BEFORE_UPGRADE);
  await createDirectory(kept);
  for (const name of OLD_FILES) {
    if (existsSync(join(directory, name))) await rename(join(directory, name), join(kept, name));
  }
  await fsyncDirectory(kept);
  await fsyncDirectory(directory);
  await rename(upgraded, join(directory, CLUSTER));
  await fsyncDirectory(directory);
  return true;
}
