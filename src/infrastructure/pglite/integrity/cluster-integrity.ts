import { existsSync } from "node:fs";
import { join } from "node:path";
import { ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { readAcknowledgedPosition } from "../directory/acknowledged-position.ts";
import { CONTROL_FILE, readControlFile, type ControlFile } from "./control-file.ts";
import type { Damage } from "./damage.ts";
import { formatLsn, type Lsn } from "../../sql/lsn.ts";
import { CLUSTER } from "../directory/recognise.ts";
import { compareRelationFiles } from "./relation-files.ts";
import { endOfWal, logReaches } from "./write-ahead-log.ts";

export interface SoundCluster {
  /** The cluster was closed; otherwise opening it replays its log. */
  readonly isShutDown: boolean;
}

/**
 * Looks at the files of a cluster before it is opened, and writes nothing. PostgreSQL takes the first record that it
 * cannot read for the end of the log, and a file for what its size says: damage to either loses rows without an error,
 * and once the cluster was opened nothing shows that there were any.
 */
export function checkCluster(directory: string): Result<SoundCluster, Damage> {
  const cluster = join(directory, CLUSTER);
  const control = readControlFile(cluster);
  if (control === null) {
    const isThere = existsSync(join(cluster, CONTROL_FILE));
    return fail({ kind: isThere ? "unreadable" : "missing", path: join(CLUSTER, CONTROL_FILE) });
  }
  const damage =
    compareRelationFiles(directory, control.isShutDown ? control.checkpoint : null) ??
    checkLog(cluster, control, readAcknowledgedPosition(directory));
  return damage === null ? ok({ isShutDown: control.isShutDown }) : fail(damage);
}

/** The log must hold the record of the checkpoint, and what was acknowledged. */
function checkLog(cluster: string, control: ControlFile, acknowledged: Lsn | null): Damage | null {
  const { checkpoint, isShutDown, walSegmentBytes } = control;
  const end = endOfWal(cluster, control);
  if (end <= checkpoint) return logEndsEarly(end, checkpoint);
  // After a shutdown PostgreSQL goes on behind its checkpoint: with an old control file it writes over what follows.
  const readUntil = isShutDown ? checkpoint : end;
  if (acknowledged === null || logReaches(readUntil, acknowledged, walSegmentBytes)) return null;
  return logEndsEarly(readUntil, acknowledged);
}

function logEndsEarly(endsAt: Lsn, neededUntil: Lsn): Damage {
  return { kind: "log_ends_early", endsAt: formatLsn(endsAt), neededUntil: formatLsn(neededUntil) };
}
