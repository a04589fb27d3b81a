import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statfsSync, writeSync } from "node:fs";
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
  /** Gives the reserve's space to the engine, to recover or to stop. */
  releaseReserve(): void;
}

interface DiskSpaceOptions {
  readonly directory: string;
  /** How many bytes must be free for a write. */
  readonly watermarkBytes: number;
  readonly log: Log;
}

export const RESERVE_FILE = "quire.reserve";
/** Two segments of the write-ahead log: what a checkpoint may need. */
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
      if (existsSync(reserve) || freeBytes() < watermarkBytes + RESERVE_BYTES) return;
      try {
        allocate(`${reserve}.unfinished`);
        renameSync(`${reserve}.unfinished`, reserve);
      } catch (cause) {
        rmSync(`${reserve}.unfinished`, { force: true });
        log.warn({ error: cause }, "no space could be kept for a stop on a full disk");
      }
    },
    releaseReserve: () => rmSync(reserve, { force: true }),
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
