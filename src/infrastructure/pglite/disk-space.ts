import {
  closeSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Log } from "../../application/ports/log.ts";

/**
 * The space on the disk of a data directory. PostgreSQL panics when it cannot extend its write-ahead log, so writing
 * ends earlier, at a watermark; and what a checkpoint needs is kept in a file that can be given up.
 */
export interface DiskSpace {
  /** Whether less is free than must be for a write. */
  isLow(): boolean;
  /** Says in the log, once a minute at most, that a write was refused. */
  noteRefusal(): void;
  /** Makes the reserve where there is none and space is left for it. */
  secureReserve(): void;
  /** Gives half of the reserve to the engine, to recover or to stop, and the other half at the next time. */
  releaseReserve(): void;
}

interface DiskSpaceOptions {
  readonly directory: string;
  /** How many bytes must be free for a write. */
  readonly watermarkBytes: number;
  readonly log: Log;
}

export const RESERVE_FILE = "quire.reserve";
/** Two segments of the write-ahead log: one for a stop on a full disk, one for the start after it. */
const RESERVE_BYTES = 32 * 1_048_576;
const CHUNK = new Uint8Array(1_048_576);
const REFUSAL_INTERVAL_MS = 60_000;

export function diskSpace({ directory, watermarkBytes, log }: DiskSpaceOptions): DiskSpace {
  const reserve = join(directory, RESERVE_FILE);
  let lastNotedAt = -Infinity;

  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  };

  return {
    isLow: () => freeBytes() < watermarkBytes,
    noteRefusal: () => {
      const now = performance.now();
      if (now - lastNotedAt < REFUSAL_INTERVAL_MS) return;
      lastNotedAt = now;
      const fields = { directory, freeBytes: freeBytes(), neededBytes: watermarkBytes };
      log.error(fields, "the disk is full: writes are refused until there is space again");
    },
    secureReserve: () => {
      const isWhole = statSync(reserve, { throwIfNoEntry: false })?.size === RESERVE_BYTES;
      if (isWhole || freeBytes() < watermarkBytes + RESERVE_BYTES) return;
      try {
        allocate(`${reserve}.unfinished`);
        renameSync(`${reserve}.unfinished`, reserve);
      } catch (cause) {
        rmSync(`${reserve}.unfinished`, { force: true });
        log.warn({ error: cause }, "no space could be kept for a stop on a full disk");
      }
    },
    releaseReserve: () => {
      const bytes = statSync(reserve, { throwIfNoEntry: false })?.size ?? 0;
      if (bytes > RESERVE_BYTES / 2) truncateSync(reserve, RESERVE_BYTES / 2);
      else rmSync(reserve, { force: true });
    },
  };
}

/** Writes real zeros: a file with holes would hold no space. */
function allocate(path: string): void {
  const descriptor = openSync(path, "w", 0o600);
  try {
    for (let written = 0; written < RESERVE_BYTES; written += CHUNK.length) writeSync(descriptor, CHUNK);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
