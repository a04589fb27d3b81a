import { statfsSync, type StatsFs } from "node:fs";
import { statfs } from "node:fs/promises";

/** The free space of a disk. An inode is space too: without one no file can be created. */
export interface FreeSpace {
  readonly bytes: number;
  readonly inodes: number;
}

/** The free space of the disk of a directory, by the last measurement. */
export interface FreeSpaceMonitor {
  current(): FreeSpace;
  /** Measures again. Settles when a measurement that began after the call has ended. */
  refresh(): Promise<void>;
  stop(): void;
}

interface MonitorOptions {
  readonly directory: string;
  /** Called when a measurement begins. The returned function is called when it has ended. */
  readonly onMeasure: () => (hasSucceeded: boolean) => void;
  readonly read?: (directory: string) => Promise<FreeSpace>;
}

const INTERVAL_MS = 250;
/** A disk that does not answer within this time counts as full until it does. */
const MEASUREMENT_TIMEOUT_MS = 5000;
const NOTHING: FreeSpace = { bytes: 0, inodes: 0 };

/** Measures the free space in the background, so that no request waits for a disk. One measurement is in flight at a time. */
export function monitorFreeSpace({ directory, onMeasure, read = readFreeSpace }: MonitorOptions): FreeSpaceMonitor {
  let found = readFreeSpaceSync(directory);
  let looking: Promise<void> | null = null;
  let isHanging = false;

  const look = async () => {
    const end = onMeasure();
    const reading = read(directory);
    let timeout: NodeJS.Timeout | undefined;
    const timedOut = new Promise<null>((settle) => {
      timeout = setTimeout(() => settle(null), MEASUREMENT_TIMEOUT_MS);
    });
    const free = await Promise.race([reading, timedOut]);
    clearTimeout(timeout);
    found = free ?? NOTHING;
    end(free !== null);
    if (free !== null) return;
    isHanging = true;
    void reading.finally(() => {
      isHanging = false;
    });
  };

  const refresh = async () => {
    if (looking !== null) await looking;
    if (isHanging) return;
    looking ??= look().finally(() => {
      looking = null;
    });
    return looking;
  };

  const timer = setInterval(() => {
    if (looking === null) void refresh();
  }, INTERVAL_MS).unref();

  return { current: () => found, refresh, stop: () => clearInterval(timer) };
}

/** For a start, when no request waits. */
export function readFreeSpaceSync(directory: string): FreeSpace {
  try {
    return freeSpaceOf(statfsSync(directory));
  } catch {
    return NOTHING;
  }
}

async function readFreeSpace(directory: string): Promise<FreeSpace> {
  try {
    return freeSpaceOf(await statfs(directory));
  } catch {
    // The directory was removed, so nothing can be written to it.
    return NOTHING;
  }
}

function freeSpaceOf({ bavail, bsize, files, ffree }: StatsFs): FreeSpace {
  // A file system that creates inodes on demand reports none.
  return { bytes: bavail * bsize, inodes: files === 0 ? Infinity : ffree };
}
