/** The number of flushes and their total time. The thread of the engine writes it, and this thread reads it, without a message. */
export type FsyncCounts = Float64Array<SharedArrayBuffer>;

const [COUNT, MS] = [0, 1];

export function newFsyncCounts(): FsyncCounts {
  return new Float64Array(new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT));
}

export function addFsync(counts: FsyncCounts, ms: number): void {
  counts[COUNT] = (counts[COUNT] ?? 0) + 1;
  counts[MS] = (counts[MS] ?? 0) + ms;
}

export function readFsyncCounts(counts: FsyncCounts): { readonly count: number; readonly ms: number } {
  return { count: counts[COUNT] ?? 0, ms: counts[MS] ?? 0 };
}
