import { ok, type Result } from "neverthrow";
import type { Log } from "../../../application/ports/log.ts";
import { fail } from "../../../domain/shared/fail.ts";
import { monitorFreeSpace, readFreeSpaceSync, type FreeSpace, type FreeSpaceMonitor } from "./free-space.ts";
import { spaceReserve, type SpaceReserve } from "./space-reserve.ts";

/**
 * The space on the disk of a data directory. PostgreSQL panics when it cannot extend its write-ahead log, so writes
 * stop earlier, at a watermark. A reserve holds the space that a checkpoint needs after that.
 */
export interface DiskSpace {
  /** Whether less space is free than a write needs, on the disk and in the files of the database. */
  isLow(): boolean;
  /** The free bytes of the disk at the last measurement. */
  freeBytes(): number;
  /**
   * Waits until a write of this many bytes may begin, and returns the function that ends it. It waits while the last
   * measurement of the disk misses too many of the earlier writes, see {@link UNSEEN_SHARE}.
   */
  beginWrite(bytes: number): Promise<() => void>;
  /** Records the reusable bytes of deleted rows in the database's files. */
  noteReusable(bytes: number): void;
  /**
   * Whether a write may begin that frees space or takes almost none, such as a deletion. It may begin below the
   * watermark while the write-ahead log has space. A third of the reserve is released for the log.
   */
  canFree(): Promise<boolean>;
  /** The failure of a migration that lacks space. */
  tooSmallToMigrate(): DiskTooSmall;
  /** Logs a refused write, at most once a minute. */
  logRefusal(): void;
  /** Fills the reserve, if there is space for it. */
  secureReserve(): Promise<void>;
  /** Releases a third of the reserve to the engine, for crash recovery or a shutdown, and another third the next time. */
  releaseReserve(): Promise<void>;
  /** Measures the disk now. */
  refresh(): Promise<void>;
  stop(): void;
}

/** The disk of the data directory has too little space for a new database, a change of its schema, or the copy for a backup. */
export interface DiskTooSmall {
  readonly kind: "disk_too_small";
  readonly directory: string;
  readonly purpose: "create" | "migrate" | "back_up" | "compact" | "upgrade";
  readonly resource: "bytes" | "inodes";
  readonly free: number;
  readonly needed: number;
}

interface DiskSpaceOptions {
  readonly directory: string;
  /** The bytes that must be free for a write. */
  readonly watermarkBytes: number;
  readonly log: Log;
  readonly readFreeSpace?: (directory: string) => Promise<FreeSpace>;
}

/** PostgreSQL allocates each segment of the write-ahead log completely in advance. */
const WAL_SEGMENT_BYTES = 16 * 1_048_576;
/** A segment, and the other files that a write, a shutdown or a start changes. */
const MIN_FREE_BYTES = WAL_SEGMENT_BYTES + 4 * 1_048_576;
/** One share for writes that free space, one for a shutdown on a full disk, and one for the next start. */
const RESERVE_BYTES = 3 * MIN_FREE_BYTES;
/** The part of the reserve that writes must leave for the shutdown and the start. */
const KEPT_RESERVE_BYTES = 2 * MIN_FREE_BYTES;
/** Sixteen of the longest posts. With less reusable space, writes would end again immediately. */
const MIN_REUSABLE_BYTES = 16 * 1_048_576;
/** A checkpoint leaves three segments of the write-ahead log (max_wal_size). A table or an index creates up to three files at a time. */
const WATERMARK_INODES = 64;
const MIN_FREE_INODES = 8;
const REFUSAL_LOG_INTERVAL_MS = 60_000;

/**
 * A measurement of the disk misses the writes that run or ended since it began. They may take this share of the
 * watermark; the next write waits for another measurement, or for their end. The watermark W must cover them and one
 * new segment of the write-ahead log: W / 4 + 16 MiB <= W holds from 22 MiB on. With the default of 64 MiB, 32 MiB
 * remain for other processes, which may write for 250 ms before the next measurement shows it.
 */
const UNSEEN_SHARE = 1 / 4;
/** A value is written to the log and to its table. Its index entries are written twice as well. */
const WRITE_AMPLIFICATION = 4;
/** The images of the pages that a small write changes first after a checkpoint (PostgreSQL 18, full_page_writes). */
const WRITE_OVERHEAD_BYTES = 16 * 1024;

export function diskSpace({ directory, watermarkBytes, log, readFreeSpace }: DiskSpaceOptions): DiskSpace {
  const reserve = spaceReserve(directory);
  let reusableBytes = 0;
  const writes = unseenWrites(watermarkBytes * UNSEEN_SHARE);
  const monitor = monitorFreeSpace({
    directory,
    onMeasure: writes.onMeasure,
    ...(readFreeSpace === undefined ? {} : { read: readFreeSpace }),
  });

  const hasFree = (minBytes: number, minInodes: number) => {
    const { bytes, inodes } = monitor.current();
    return bytes >= minBytes && inodes >= minInodes;
  };

  const isLow = () => {
    if (hasFree(watermarkBytes, WATERMARK_INODES)) return false;
    // New rows reuse the space of deleted ones. Half of the watermark is kept free for files that still grow.
    const canReuse = reusableBytes >= MIN_REUSABLE_BYTES;
    return !canReuse || !hasFree(Math.max(watermarkBytes / 2, MIN_FREE_BYTES), WATERMARK_INODES);
  };

  const shrinkReserve = async (bytes: number) => {
    await release(reserve, bytes, log);
    await monitor.refresh();
  };

  return {
    isLow,
    freeBytes: () => monitor.current().bytes,
    beginWrite: async (bytes) => {
      const cost = WRITE_OVERHEAD_BYTES + bytes * WRITE_AMPLIFICATION;
      // On a low disk the caller refuses the write, or runs it because it frees space.
      while (!isLow() && !writes.haveRoomFor(cost)) {
        const changed = writes.changed();
        if (writes.haveEnded()) void monitor.refresh();
        await changed;
      }
      return writes.begin(cost);
    },
    noteReusable: (bytes) => {
      reusableBytes = bytes;
    },
    canFree: async () => {
      await monitor.refresh();
      if (hasFree(MIN_FREE_BYTES, MIN_FREE_INODES)) return true;
      const spareBytes = (await reserve.bytes()) - KEPT_RESERVE_BYTES;
      // The reserve is kept if releasing it would not be enough.
      if (spareBytes <= 0 || !hasFree(MIN_FREE_BYTES - spareBytes, MIN_FREE_INODES)) return false;
      await shrinkReserve(KEPT_RESERVE_BYTES);
      return hasFree(MIN_FREE_BYTES, MIN_FREE_INODES);
    },
    tooSmallToMigrate: () => tooSmallToMigrate(directory, watermarkBytes, monitor.current()),
    logRefusal: refusalLog({ directory, watermarkBytes, log }, monitor),
    secureReserve: async () => {
      if ((await reserve.bytes()) === RESERVE_BYTES) return;
      if (!hasFree(watermarkBytes + RESERVE_BYTES, WATERMARK_INODES)) return;
      try {
        await reserve.fill(RESERVE_BYTES);
      } catch (cause) {
        log.warn({ error: cause }, "the reserve for a shutdown on a full disk cannot be filled");
      }
    },
    releaseReserve: async () => shrinkReserve((await reserve.bytes()) - MIN_FREE_BYTES),
    refresh: async () => monitor.refresh(),
    stop: () => monitor.stop(),
  };
}

/** Shrinks the reserve if it can. An engine may start, and a deletion may succeed, without the released space. */
async function release(reserve: SpaceReserve, bytesLeft: number, log: Log): Promise<void> {
  try {
    await reserve.shrinkTo(bytesLeft);
  } catch (cause) {
    log.warn({ error: cause }, "the reserve for a shutdown on a full disk cannot be released");
  }
}

function tooSmallToMigrate(directory: string, watermarkBytes: number, { bytes, inodes }: FreeSpace): DiskTooSmall {
  const tooSmall = { kind: "disk_too_small", directory, purpose: "migrate" } as const;
  return inodes < WATERMARK_INODES
    ? { ...tooSmall, resource: "inodes", free: inodes, needed: WATERMARK_INODES }
    : { ...tooSmall, resource: "bytes", free: bytes, needed: watermarkBytes };
}

/** Gives the function that logs a refused write, once a minute at most. */
function refusalLog(
  { directory, watermarkBytes, log }: DiskSpaceOptions,
  monitor: FreeSpaceMonitor,
): DiskSpace["logRefusal"] {
  let loggedAt = -Infinity;
  return () => {
    const now = performance.now();
    if (now - loggedAt < REFUSAL_LOG_INTERVAL_MS) return;
    loggedAt = now;
    const { bytes, inodes } = monitor.current();
    const needed = { neededBytes: watermarkBytes, neededInodes: WATERMARK_INODES };
    const fields = { directory, freeBytes: bytes, ...(inodes === Infinity ? {} : { freeInodes: inodes }), ...needed };
    log.error(fields, "disk full: writes refused until space is free");
  };
}

/** Counts the bytes of the writes that the last measurement of the disk missed: those that ran, and those that ended since. */
function unseenWrites(maxBytes: number) {
  let runningBytes = 0;
  let endedBytes = 0;
  let wakers: (() => void)[] = [];
  const wake = () => {
    for (const waker of wakers.splice(0)) waker();
  };
  return {
    /** A single write always fits, whatever its size. */
    haveRoomFor: (bytes: number) => {
      const unseen = runningBytes + endedBytes;
      return unseen === 0 || unseen + bytes <= maxBytes;
    },
    /** Whether another measurement would include some of them. */
    haveEnded: () => endedBytes > 0,
    /** Settles when a write or a measurement ends. */
    changed: async () => new Promise<void>((settle) => (wakers = [...wakers, settle])),
    begin: (bytes: number) => {
      runningBytes += bytes;
      return () => {
        runningBytes -= bytes;
        endedBytes += bytes;
        wake();
      };
    },
    onMeasure: () => {
      const endedBefore = endedBytes;
      return (hasSucceeded: boolean) => {
        if (hasSucceeded) endedBytes -= endedBefore;
        wake();
      };
    },
  };
}

/** A new database has 1,010 files with 40 MiB in total. */
const NEW_DATABASE_BYTES = 48 * 1_048_576;
const NEW_DATABASE_INODES = 1100;

/** Checks that the disk has space for a new database and for writes to it. Fails with `disk_too_small`. */
export function checkSpaceForDatabase(directory: string, watermarkBytes: number): Result<void, DiskTooSmall> {
  const { bytes, inodes } = readFreeSpaceSync(directory);
  const tooSmall = { kind: "disk_too_small", directory, purpose: "create" } as const;
  const neededBytes = NEW_DATABASE_BYTES + watermarkBytes;
  if (bytes < neededBytes) return fail({ ...tooSmall, resource: "bytes", free: bytes, needed: neededBytes });
  const neededInodes = NEW_DATABASE_INODES + WATERMARK_INODES;
  if (inodes < neededInodes) return fail({ ...tooSmall, resource: "inodes", free: inodes, needed: neededInodes });
  return ok();
}

/** Checks that the disk has space for the copy of a cluster or of a table, and for the writes of its server. Fails with `disk_too_small`. */
export function checkSpaceForCopy(
  directory: string,
  copy: { readonly bytes: number; readonly files: number },
  watermarkBytes: number,
  purpose: "back_up" | "compact" | "upgrade" = "back_up",
): Result<void, DiskTooSmall> {
  const { bytes, inodes } = readFreeSpaceSync(directory);
  const tooSmall = { kind: "disk_too_small", directory, purpose } as const;
  const neededBytes = copy.bytes + watermarkBytes;
  if (bytes < neededBytes) return fail({ ...tooSmall, resource: "bytes", free: bytes, needed: neededBytes });
  const neededInodes = copy.files + WATERMARK_INODES;
  if (inodes < neededInodes) return fail({ ...tooSmall, resource: "inodes", free: inodes, needed: neededInodes });
  return ok();
}
