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
import { ok, type Result } from "neverthrow";
import type { Log } from "../../../application/ports/log.ts";
import { fail } from "../../../domain/shared/fail.ts";

/**
 * The space on the disk of a data directory. PostgreSQL panics when it cannot extend its write-ahead log, so writing
 * ends earlier, at a watermark; and what a checkpoint needs is kept in a file that can be given up. Inodes are space too:
 * a disk without one has no place for a new file.
 */
export interface DiskSpace {
  /** Whether less is free than must be for a write, on the disk and in the database's own files. */
  isLow(): boolean;
  /** Notes how many bytes of the database's files hold nothing, as rows in them were deleted. */
  noteReusable(bytes: number): void;
  /**
   * Whether a write may be made that frees space or takes next to none, such as a deletion: below the watermark too, down
   * to what the write-ahead log needs, for which a third of the reserve is given up.
   */
  canFree(): boolean;
  /** The failure to migrate for want of space. */
  tooSmallToMigrate(): DiskTooSmall;
  /** Says in the log, once a minute at most, that a write was refused. */
  noteRefusal(): void;
  /** Makes the reserve where there is none and space is left for it. */
  secureReserve(): void;
  /** Gives a third of the reserve to the engine, to recover or to stop, and another at the next time. */
  releaseReserve(): void;
}

/** The disk of the data directory has less free than it takes to make a database, or to bring its schema up to date. */
export interface DiskTooSmall {
  readonly kind: "disk_too_small";
  readonly directory: string;
  readonly purpose: "create" | "migrate";
  readonly resource: "bytes" | "inodes";
  readonly free: number;
  readonly needed: number;
}

interface DiskSpaceOptions {
  readonly directory: string;
  /** How many bytes must be free for a write. */
  readonly watermarkBytes: number;
  readonly log: Log;
}

export const RESERVE_FILE = "quire.reserve";
/** A segment of the write-ahead log, which takes its whole size from the disk when it begins. */
const WAL_SEGMENT_BYTES = 16 * 1_048_576;
/** One segment for writes that free space, one for a stop on a full disk, one for the start after it. */
const RESERVE_BYTES = 3 * WAL_SEGMENT_BYTES;
/** What of the reserve stays when a write that frees space needs it. */
const KEPT_RESERVE_BYTES = 2 * WAL_SEGMENT_BYTES;
/** A segment, and what the pages take that one such write changes. */
const MIN_FREE_BYTES = WAL_SEGMENT_BYTES + 4 * 1_048_576;
/** Sixteen of the longest posts: with less to be reused, writing would end again at once. */
const MIN_REUSABLE_BYTES = 16 * 1_048_576;
/** The write-ahead log has up to 8 segments, and a table or an index up to three new files at a time. */
const WATERMARK_INODES = 64;
const MIN_FREE_INODES = 8;
const CHUNK = new Uint8Array(1_048_576);
const REFUSAL_INTERVAL_MS = 60_000;

export function diskSpace({ directory, watermarkBytes, log }: DiskSpaceOptions): DiskSpace {
  const reserve = join(directory, RESERVE_FILE);
  let lastNotedAt = -Infinity;
  let reusableBytes = 0;

  const hasFree = (minBytes: number, minInodes: number) => {
    const { bytes, inodes } = freeOn(directory);
    return bytes >= minBytes && inodes >= minInodes;
  };
  const reservedBytes = () => statSync(reserve, { throwIfNoEntry: false })?.size ?? 0;

  return {
    isLow: () => {
      if (hasFree(watermarkBytes, WATERMARK_INODES)) return false;
      // New rows go where others were deleted; what the files grow by nevertheless is taken from half of the watermark.
      const canReuse = reusableBytes >= MIN_REUSABLE_BYTES;
      return !canReuse || !hasFree(Math.max(watermarkBytes / 2, MIN_FREE_BYTES), WATERMARK_INODES);
    },
    noteReusable: (bytes) => {
      reusableBytes = bytes;
    },
    canFree: () => {
      if (hasFree(MIN_FREE_BYTES, MIN_FREE_INODES)) return true;
      const spareBytes = reservedBytes() - KEPT_RESERVE_BYTES;
      // Where that would not be enough, it stays.
      if (spareBytes <= 0 || !hasFree(MIN_FREE_BYTES - spareBytes, MIN_FREE_INODES)) return false;
      truncateSync(reserve, KEPT_RESERVE_BYTES);
      return hasFree(MIN_FREE_BYTES, MIN_FREE_INODES);
    },
    tooSmallToMigrate: () => {
      const { bytes, inodes } = freeOn(directory);
      const tooSmall = { kind: "disk_too_small", directory, purpose: "migrate" } as const;
      return inodes < WATERMARK_INODES
        ? { ...tooSmall, resource: "inodes", free: inodes, needed: WATERMARK_INODES }
        : { ...tooSmall, resource: "bytes", free: bytes, needed: watermarkBytes };
    },
    noteRefusal: () => {
      const now = performance.now();
      if (now - lastNotedAt < REFUSAL_INTERVAL_MS) return;
      lastNotedAt = now;
      const { bytes, inodes } = freeOn(directory);
      const needed = { neededBytes: watermarkBytes, neededInodes: WATERMARK_INODES };
      const fields = { directory, freeBytes: bytes, ...(inodes === Infinity ? {} : { freeInodes: inodes }), ...needed };
      log.error(fields, "the disk is full: writes are refused until there is space again");
    },
    secureReserve: () => {
      if (reservedBytes() === RESERVE_BYTES || !hasFree(watermarkBytes + RESERVE_BYTES, WATERMARK_INODES)) return;
      try {
        allocate(`${reserve}.unfinished`);
        renameSync(`${reserve}.unfinished`, reserve);
      } catch (cause) {
        rmSync(`${reserve}.unfinished`, { force: true });
        log.warn({ error: cause }, "no space could be kept for a stop on a full disk");
      }
    },
    releaseReserve: () => {
      const rest = reservedBytes() - WAL_SEGMENT_BYTES;
      if (rest > 0) truncateSync(reserve, rest);
      else rmSync(reserve, { force: true });
    },
  };
}

/** The files of a new database take 40 MiB, and there are 1,010 of them. */
const NEW_DATABASE_BYTES = 48 * 1_048_576;
const NEW_DATABASE_INODES = 1100;

/** Whether the disk has space for a new database, and for writing to it then. Fails with `disk_too_small`. */
export function checkSpaceForDatabase(directory: string, watermarkBytes: number): Result<void, DiskTooSmall> {
  const { bytes, inodes } = freeOn(directory);
  const tooSmall = { kind: "disk_too_small", directory, purpose: "create" } as const;
  const neededBytes = NEW_DATABASE_BYTES + watermarkBytes;
  if (bytes < neededBytes) return fail({ ...tooSmall, resource: "bytes", free: bytes, needed: neededBytes });
  const neededInodes = NEW_DATABASE_INODES + WATERMARK_INODES;
  if (inodes < neededInodes) return fail({ ...tooSmall, resource: "inodes", free: inodes, needed: neededInodes });
  return ok();
}

function freeOn(directory: string): { readonly bytes: number; readonly inodes: number } {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(directory);
    // A file system that makes inodes as it needs them counts none.
    return { bytes: bavail * bsize, inodes: files === 0 ? Infinity : ffree };
  } catch {
    // Of a directory that is gone nothing is known, and nothing can be written to it.
    return { bytes: 0, inodes: 0 };
  }
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
