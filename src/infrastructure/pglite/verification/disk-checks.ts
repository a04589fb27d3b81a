import { open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { readFreeSpaceSync } from "../directory/free-space.ts";
import { noted, passed, type CheckResult } from "./report.ts";

const MIB = 1_048_576;
const FLUSHES = 20;
const PAGE_BYTES = 8192;
/** The fastest disks with a power-loss protected cache take longer for a flush, and the cache of a file system without a disk does not. */
const MIN_FLUSH_MS = 0.01;
/** The file systems of Linux that are no disk (linux/magic.h). */
const VOLATILE: ReadonlyMap<number, string> = new Map([
  [0x01021994, "tmpfs"],
  [0x858458f6, "ramfs"],
]);

/** Whether writes continue, by the free space that they need. */
export function checkFreeSpace(directory: string, watermarkBytes: number): CheckResult {
  const { bytes } = readFreeSpaceSync(directory);
  const free = `${Math.floor(bytes / MIB).toLocaleString("en")} MiB are free`;
  if (bytes >= 2 * watermarkBytes) return passed("free space", free);
  const remedy = `Free some space. Below ${watermarkBytes / MIB} MiB (QUIRE_FREE_SPACE_MIB) the server refuses writes.`;
  return noted("free space", free, remedy);
}

/** Whether a flush reaches a disk: it takes time, and the file system has one. Writes to a file in `scratch`. */
export async function checkFlush(scratch: string): Promise<CheckResult> {
  const { type } = await statfs(scratch);
  const volatile = VOLATILE.get(type);
  const remedy = "A power cut can lose acknowledged writes. Move the data directory to a disk that flushes.";
  if (volatile !== undefined) return noted("flush", `the data directory is on ${volatile}, which has no disk`, remedy);
  const ms = await medianFlushMs(join(scratch, "flush"));
  const duration = `a flush takes ${ms.toFixed(2)} ms (median of ${FLUSHES})`;
  return ms < MIN_FLUSH_MS
    ? noted("flush", `${duration}, less than any disk needs`, remedy)
    : passed("flush", duration);
}

async function medianFlushMs(path: string): Promise<number> {
  const file = await open(path, "w", 0o600);
  try {
    const page = Buffer.alloc(PAGE_BYTES, 1);
    const durations: number[] = [];
    for (let flush = 0; flush < FLUSHES; flush++) {
      await file.write(page);
      const startedAt = performance.now();
      await file.datasync();
      durations.push(performance.now() - startedAt);
    }
    return durations.toSorted((a, b) => a - b)[FLUSHES / 2] ?? 0;
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}
