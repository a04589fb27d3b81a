import { existsSync } from "node:fs";
import { join } from "node:path";
import { ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { readAcknowledgedPosition } from "../directory/acknowledged-position.ts";
import { CONTROL_FILE, readControlFile, type ControlFile } from "./control-file.ts";
import type { Damage } from "../directory/damage.ts";
import { formatLsn, type Lsn } from "../../sql/lsn.ts";
import { CLUSTER } from "../directory/layout.ts";
import type { ClusterState } from "../engine/guard.ts";
import { compareRelationFiles } from "./relation-files.ts";
import { endOfWal, logReaches } from "./write-ahead-log.ts";

/**
 * Checks the files of a cluster before PostgreSQL opens it, and writes nothing. PostgreSQL treats the first unreadable
 * record as the end of the log, and a truncated file as a short one. Such damage loses rows without an error, and after
 * the start no trace of them is left.
 */
export function checkCluster(directory: string): Result<ClusterState, Damage> {
  const cluster = join(directory, CLUSTER);
  const control = readControlFile(cluster);
  if (control === null) {
    const exists = existsSync(join(cluster, CONTROL_FILE));
    return fail({ kind: exists ? "unreadable" : "missing", path: join(CLUSTER, CONTROL_FILE) });
  }
  const damage =
    compareRelationFiles(directory, control.isShutDown ? control.checkpoint : null) ??
    checkLog(cluster, control, readAcknowledgedPosition(directory));
  return damage === null ? ok({ isShutDown: control.isShutDown }) : fail(damage);
}

/** The log must hold the record of the last checkpoint and all acknowledged writes. */
function checkLog(cluster: string, control: ControlFile, acknowledged: Lsn | null): Damage | null {
  const { checkpoint, isShutDown, walSegmentBytes } = control;
  const end = endOfWal(cluster, control);
  if (end <= checkpoint) return logEndsEarly(end, checkpoint);
  // After a clean shutdown PostgreSQL continues after its checkpoint. With an old control file it would overwrite the
  // later records.
  const readUntil = isShutDown ? checkpoint : end;
  if (acknowledged === null || logReaches(readUntil, acknowledged, walSegmentBytes)) return null;
  return logEndsEarly(readUntil, acknowledged);
}

function logEndsEarly(endsAt: Lsn, neededUntil: Lsn): Damage {
  return { kind: "log_ends_early", endsAt: formatLsn(endsAt), neededUntil: formatLsn(neededUntil) };
}
