import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { err, type Result } from "neverthrow";
import { formatLsn } from "../../sql/lsn.ts";
import type { DataDirectoryDamaged } from "../directory/cluster.ts";
import { checkSpaceForCopy, type DiskTooSmall } from "../directory/disk-space.ts";
import type { DataDirectoryIncompatible } from "../directory/format.ts";
import type { KernelLockUnavailable } from "../directory/kernel-lock.ts";
import { CLUSTER } from "../directory/layout.ts";
import { lockDataDirectory } from "../directory/lock.ts";
import { countBytes, type OnBackupProgress } from "./backup-progress.ts";
import type { BackupSource, BackupSourceFailed } from "./backup-source.ts";
import { copyCluster } from "./cluster-copy.ts";
import { runningSource } from "./running-source.ts";
import type { ScratchDirectory } from "./scratch-directory.ts";
import { stoppedSource } from "./stopped-source.ts";

export interface CopyDatabaseOptions {
  /** The absolute path of the data directory, whose server may be running. */
  readonly directory: string;
  /** The bytes that stay free for the server. */
  readonly freeSpaceBytes: number;
  readonly signal: AbortSignal;
  readonly onProgress: OnBackupProgress;
  /** Called just before the copy, when the database can be copied. An exception ends the copy, and is rethrown. */
  readonly beforeCopy?: () => Promise<void>;
}

type SourceError = BackupSourceFailed | DataDirectoryDamaged | DataDirectoryIncompatible | KernelLockUnavailable;
export type CopyDatabaseError = SourceError | DiskTooSmall;

export interface CopiedDatabase {
  /** The directory of the copy. */
  readonly copy: string;
  readonly lsn: string;
  readonly bytes: number;
}

/** Copies the database of a running or stopped server into a scratch directory, consistent at a position of its log. */
export async function copyDatabase(
  scratch: ScratchDirectory,
  { directory, freeSpaceBytes, signal, onProgress, beforeCopy }: CopyDatabaseOptions,
): Promise<Result<CopiedDatabase, CopyDatabaseError>> {
  const source = await sourceOf(directory);
  if (source.isErr()) return err(source.error);
  try {
    const size = await sizeOf(join(directory, CLUSTER));
    const space = checkSpaceForCopy(directory, size, freeSpaceBytes);
    if (space.isErr()) return err(space.error);
    await beforeCopy?.();
    const copy = join(scratch.path, "copy");
    await mkdir(copy, { mode: 0o700 });
    const onCopied = countBytes("copy", size.bytes, onProgress);
    const copied = await copyCluster({ source: source.value, from: directory, to: copy, signal, onCopied });
    return copied.map((lsn) => ({ copy, lsn: formatLsn(lsn), bytes: size.bytes }));
  } finally {
    source.value.release();
  }
}

async function sourceOf(directory: string): Promise<Result<BackupSource, SourceError>> {
  const locked = lockDataDirectory(directory);
  if (locked.isErr()) {
    return locked.error.kind === "kernel_lock_unavailable" ? err(locked.error) : runningSource(directory);
  }
  const source = await stoppedSource(directory, locked.value);
  if (source.isErr()) locked.value.release();
  return source;
}

/** The size of a cluster, whose files may change. */
export async function sizeOf(cluster: string): Promise<{ readonly bytes: number; readonly files: number }> {
  let bytes = 0;
  const paths = await readdir(cluster, { recursive: true });
  for (const path of paths) {
    // A file may be removed between the two calls.
    bytes += await stat(join(cluster, path)).then(
      (found) => (found.isFile() ? found.size : 0),
      () => 0,
    );
  }
  return { bytes, files: paths.length };
}
