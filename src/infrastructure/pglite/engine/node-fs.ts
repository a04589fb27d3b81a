import { fdatasyncSync } from "node:fs";
import { relative, sep } from "node:path";
import type { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { earlyFlushes, type EarlyFlushes } from "./early-flushes.ts";
import type { EmscriptenModule } from "./emscripten.ts";
import { undoFailedOpens } from "./failed-opens.ts";
import { fsyncPath } from "./fsync-path.ts";

/**
 * The failures that an acknowledged write survives.
 *
 * - `fsync`: a power cut, because the write is flushed to the disk before it is acknowledged.
 * - `relaxed`: a kill of the process. A power cut may lose the write, or damage the cluster.
 */
export type EngineDurability = "fsync" | "relaxed";

type InitOptions = Parameters<NodeFS["init"]>[1];

/**
 * PGlite's file system on the disk, with two corrections. It adds the missing fsync, and a failed open(2) leaves
 * nothing behind in Emscripten. Without fsync, PostgreSQL's "flushed" means "handed to the operating system", and a
 * power cut loses acknowledged writes (PostgreSQL 18, 28.1 Reliability).
 */
export class EngineNodeFs extends NodeFS {
  readonly #durability: EngineDurability;
  readonly #onFsync: (ms: number) => void;
  readonly #cluster: string;
  #flushes: EarlyFlushes | null = null;
  readonly #flushed = new Set<string>();

  constructor(cluster: string, durability: EngineDurability, onFsync: (ms: number) => void = () => {}) {
    super(cluster);
    this.#cluster = cluster;
    this.#durability = durability;
    this.#onFsync = onFsync;
  }

  override async init(engine: PGlite, options: InitOptions): ReturnType<NodeFS["init"]> {
    const { emscriptenOpts } = await super.init(engine, options);
    const prepare = (runtime: object) => {
      // PGlite passes its Emscripten module, but types it as an object.
      const module = runtime as EmscriptenModule;
      undoFailedOpens(module);
      if (this.#durability !== "fsync") return;
      this.#flushes = earlyFlushes(module);
      addFsync(module, this.#flushes, (path, ms) => {
        this.#flushed.add(path);
        this.#onFsync(ms);
      });
    };
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), prepare] } };
  }

  /** Runs a checkpoint. */
  async duringCheckpoint<T>(checkpoint: () => Promise<T>): Promise<T> {
    return this.#flushes === null ? checkpoint() : this.#flushes.during(checkpoint);
  }

  /** The files that were flushed since the last call, by their path in the cluster with `/` as separator; `null` without fsync. */
  takeFlushed(): ReadonlySet<string> | null {
    if (this.#flushes === null) return null;
    const flushed = [...this.#flushed].map((path) => relative(this.#cluster, path).replaceAll(sep, "/"));
    this.#flushed.clear();
    return new Set(flushed);
  }
}

function addFsync(
  { NODEFS: nodeFs }: EmscriptenModule,
  flushes: EarlyFlushes,
  onFsync: (path: string, ms: number) => void,
): void {
  nodeFs.stream_ops.fsync = (stream) => {
    const startedAt = performance.now();
    const path = nodeFs.realPath(stream.node);
    // PostgreSQL panics when this fails, and it must: the kernel drops the pages that it could not write, so a second
    // fsync would succeed (https://wiki.postgresql.org/wiki/Fsync_Errors).
    nodeFs.tryFSOperation(() => {
      // It flushes the bytes and the size of a file, as fsync does, but not its time of change. To flush that too takes a
      // second write, or a commit of the file system's journal.
      flushes.settle(path);
      if (typeof stream.nfd === "number") fdatasyncSync(stream.nfd);
      else fsyncPath(path);
    });
    onFsync(path, performance.now() - startedAt);
    return 0;
  };
}
