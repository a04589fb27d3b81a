import { fsyncSync } from "node:fs";
import type { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { fsyncPath } from "./fsync-path.ts";

/** The parts of Emscripten's node file system that are needed here; PGlite's types leave them out. */
interface EmscriptenNodeFs {
  readonly stream_ops: { fsync?: (stream: EmscriptenStream) => number };
  realPath(node: unknown): string;
  /** Runs what may throw an error of Node, and throws it as the errno that PostgreSQL understands. */
  tryFSOperation<T>(operation: () => T): T;
}

interface EmscriptenStream {
  /** The operating system's file descriptor; a directory has none. */
  readonly nfd: number | null | undefined;
  readonly node: unknown;
}

type InitOptions = Parameters<NodeFS["init"]>[1];

/**
 * PGlite's file system on the disk, with the fsync that it lacks: without one PostgreSQL's "flushed" means "handed to
 * the operating system", and a power cut takes back what was acknowledged (PostgreSQL 18, 28.1 Reliability).
 */
export class DurableNodeFs extends NodeFS {
  override async init(engine: PGlite, options: InitOptions): ReturnType<NodeFS["init"]> {
    const { emscriptenOpts } = await super.init(engine, options);
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), addFsync] } };
  }
}

function addFsync(module: object): void {
  const { NODEFS: nodeFs } = module as { NODEFS: EmscriptenNodeFs };
  nodeFs.stream_ops.fsync = (stream) => {
    // PostgreSQL panics when this fails, and must: the kernel forgets what it could not write, so that a second fsync
    // would succeed (https://wiki.postgresql.org/wiki/Fsync_Errors).
    nodeFs.tryFSOperation(() => {
      if (typeof stream.nfd === "number") fsyncSync(stream.nfd);
      else fsyncPath(nodeFs.realPath(stream.node));
    });
    return 0;
  };
}
