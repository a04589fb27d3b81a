import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32c } from "./crc32c.ts";
import type { Lsn } from "../../sql/lsn.ts";

/** The recovery information in a cluster's control file: the start position, and whether recovery is due. */
export interface ControlFile {
  /** The system identifier of the cluster, which is unique. Each file of its log has it as well. */
  readonly systemIdentifier: bigint;
  /** Whether the shutdown was clean, so that the tables are complete and nothing after the checkpoint is replayed. */
  readonly isShutDown: boolean;
  /** The position of the last checkpoint's record. */
  readonly checkpoint: Lsn;
  /** The start of the replay: at or before the record of the checkpoint. */
  readonly redo: Lsn;
  readonly timeline: number;
  readonly walSegmentBytes: number;
}

export const CONTROL_FILE = join("global", "pg_control");

const PG_CONTROL_VERSION = 1800;
const DB_SHUTDOWNED = 1;

/**
 * The offsets of the fields in ControlFileData (PostgreSQL 18, catalog/pg_control.h), with 8-byte integers at multiples
 * of 8.
 */
const OFFSET = {
  systemIdentifier: 0,
  pgControlVersion: 8,
  state: 16,
  checkPoint: 32,
  checkPointCopyRedo: 40,
  checkPointCopyThisTimeLineId: 48,
  xlogSegSize: 228,
  crc: 292,
} as const;

/** Reads a cluster's control file; `null` if it is missing, too short, of another version, or has a wrong checksum. */
export function readControlFile(cluster: string): ControlFile | null {
  const bytes = readBytes(join(cluster, CONTROL_FILE));
  if (bytes === null || bytes.byteLength < OFFSET.crc + 4) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(OFFSET.pgControlVersion, true) !== PG_CONTROL_VERSION) return null;
  if (view.getUint32(OFFSET.crc, true) !== crc32c(view, 0, OFFSET.crc)) return null;
  return {
    systemIdentifier: view.getBigUint64(OFFSET.systemIdentifier, true),
    isShutDown: view.getUint32(OFFSET.state, true) === DB_SHUTDOWNED,
    checkpoint: view.getBigUint64(OFFSET.checkPoint, true),
    redo: view.getBigUint64(OFFSET.checkPointCopyRedo, true),
    timeline: view.getUint32(OFFSET.checkPointCopyThisTimeLineId, true),
    walSegmentBytes: view.getUint32(OFFSET.xlogSegSize, true),
  };
}

function readBytes(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}
