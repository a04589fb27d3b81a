import { closeSync, fdatasync, fdatasyncSync, openSync } from "node:fs";
import { promisify } from "node:util";
import type { EmscriptenModule, EmscriptenNode } from "./emscripten.ts";

const flush = promisify(fdatasync);

/** The flushes of one checkpoint that begin before PostgreSQL asks for them. */
export interface EarlyFlushes {
  /** Runs a checkpoint. */
  during<T>(checkpoint: () => Promise<T>): Promise<T>;
  /** Waits for the early flush of a file. Throws the operating system's error. */
  settle(path: string): void;
}

/** A checkpoint flushes at most this number of files early, with two descriptors each. */
const MAX_FILES = 16;
/** A file with fewer written pages is flushed fast enough by PostgreSQL alone. */
const MIN_PAGES = 4;
/** The files of tables and indexes. A checkpoint writes all of them before it flushes the first. */
const RELATION = /\/(?:base\/\d+|global)\/\d+(?:_[a-z]+)?(?:\.\d+)?$/;

/**
 * A checkpoint writes one file after the other, and then flushes them one by one, while every statement waits. Here the
 * flush of a file begins in a thread of libuv as soon as the checkpoint goes on to the next file. PostgreSQL's own flush
 * still decides, and finds less to do.
 */
export function earlyFlushes({ NODEFS }: EmscriptenModule): EarlyFlushes {
  const { write } = NODEFS.stream_ops;
  /**
   * The descriptors that report a failure. The kernel reports it once to each descriptor that was opened before, and one
   * that PostgreSQL opens after an early flush would never see its failure.
   */
  const witnesses = new Map<string, number>();
  let flushing: Promise<unknown>[] = [];
  let isWriting = false;
  /** The file that the checkpoint writes, and how many of its pages it has written. */
  let current: EmscriptenNode | null = null;
  let pages = 0;

  const begin = (path: string) => {
    if (witnesses.has(path) || witnesses.size === MAX_FILES) return;
    const witness = tryOpen(path);
    if (witness === null) return;
    witnesses.set(path, witness);
    const descriptor = tryOpen(path);
    if (descriptor === null) return;
    // The witness reports a failure.
    const flushed = flush(descriptor).catch(() => undefined);
    flushing.push(flushed.then(() => closeSync(descriptor)));
  };

  const goOnTo = (next: EmscriptenNode | null) => {
    if (current !== null && pages >= MIN_PAGES) begin(NODEFS.realPath(current));
    [current, pages] = [next, 0];
  };

  NODEFS.stream_ops.write = (stream, ...data) => {
    if (isWriting && stream.node !== current && RELATION.test(NODEFS.realPath(stream.node))) goOnTo(stream.node);
    if (stream.node === current) pages++;
    return write(stream, ...data);
  };

  const end = async () => {
    [isWriting, current, pages] = [false, null, 0];
    for (const witness of witnesses.values()) closeSync(witness);
    witnesses.clear();
    await Promise.all(flushing);
    flushing = [];
  };

  return {
    during: async (checkpoint) => {
      isWriting = true;
      try {
        return await checkpoint();
      } finally {
        await end();
      }
    },
    settle: (path) => {
      if (isWriting && RELATION.test(path)) {
        goOnTo(null);
        isWriting = false;
      }
      const witness = witnesses.get(path);
      if (witness !== undefined) fdatasyncSync(witness);
    },
  };
}

/** A file that cannot be opened here is only flushed later. */
function tryOpen(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch {
    return null;
  }
}
