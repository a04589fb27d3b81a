import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "neverthrow";
import { checkFormat, damaged, type DataDirectoryDamaged } from "../directory/cluster.ts";
import type { DataDirectoryIncompatible } from "../directory/format.ts";
import { CLUSTER } from "../directory/layout.ts";
import type { DataDirectoryLock } from "../directory/lock.ts";
import { finishUpgrade } from "../directory/upgraded-cluster.ts";
import { checkCluster } from "../integrity/cluster-integrity.ts";
import { CONTROL_FILE, readControlFile } from "../integrity/control-file.ts";
import { endOfWal } from "../integrity/write-ahead-log.ts";
import type { BackupSource } from "./backup-source.ts";

/** The source of a directory that this process has locked. Its engine is not started, and nothing in it changes. */
export async function stoppedSource(
  directory: string,
  lock: DataDirectoryLock,
): Promise<Result<BackupSource, DataDirectoryDamaged | DataDirectoryIncompatible>> {
  const cluster = join(directory, CLUSTER);
  await finishUpgrade(directory);
  const readable = await checkFormat(directory);
  if (readable.isErr()) return err(readable.error);
  const checked = checkCluster(directory);
  if (checked.isErr()) return damaged(directory, checked.error);
  const start = readControlFile(cluster);
  if (start === null) throw new Error("The control file was valid, and cannot be read any more.");
  return ok({
    control: await readFile(join(cluster, CONTROL_FILE)),
    finish: async () => {
      const logEnd = endOfWal(cluster, start);
      // After a clean shutdown PostgreSQL continues after the record of the last checkpoint, where that shutdown began.
      return ok({ position: start.isShutDown ? start.checkpoint : logEnd, logEnd });
    },
    end: async () => ok(),
    release: lock.release,
  });
}
