import { join } from "node:path";
import { openAcknowledgedPosition, type AcknowledgedPosition } from "../directory/acknowledged-position.ts";
import type { Damage } from "../directory/damage.ts";
import { CLUSTER } from "../directory/layout.ts";
import type { EngineGuard } from "../engine/guard.ts";
import { checkCluster } from "./cluster-integrity.ts";
import { readControlFile } from "./control-file.ts";
import {
  recordRelationFiles,
  removeRelationFileRecord,
  sizesAfterCheckpoint,
  type FileSizes,
} from "./relation-files.ts";

/** Checks the files of a data directory before PostgreSQL opens them, and records the state that the next check compares. */
export function clusterGuard(directory: string): EngineGuard<Damage> {
  let acknowledged: AcknowledgedPosition | null = null;
  /** The recorded sizes. `null`: the next record reads all files. */
  let sizes: FileSizes | null = null;
  return {
    check: () => checkCluster(directory),
    opened: () => {
      acknowledged = openAcknowledgedPosition(directory);
    },
    acknowledged: (position) => acknowledged?.record(position),
    checkpointed: async (flushed) => {
      const current = sizesAfterCheckpoint(directory, sizes, flushed);
      sizes = null;
      await recordRelationFiles(directory, null, current);
      sizes = current;
    },
    beforeFileRemoval: async () => {
      sizes = null;
      await removeRelationFileRecord(directory);
    },
    closed: async () => {
      const control = readControlFile(join(directory, CLUSTER));
      if (control?.isShutDown !== true) return { isShutDown: false };
      try {
        await recordRelationFiles(directory, control.checkpoint);
      } catch {
        // The earlier record is still true, because files only grow. The disk may be full.
      }
      return { isShutDown: true };
    },
  };
}
