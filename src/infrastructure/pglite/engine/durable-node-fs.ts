import { fsyncSync } from "node:fs";
import { CarefulNodeFs, type EmscriptenModule } from "./careful-node-fs.ts";
import { fsyncPath } from "./fsync-path.ts";

/**
 * PGlite's file system on the disk, with the fsync that it lacks: without one PostgreSQL's "flushed" means "handed to
 * the operating system", and a power cut takes back what was acknowledged (PostgreSQL 18, 28.1 Reliability).
 */
export class DurableNodeFs extends CarefulNodeFs {
  protected override prepare(module: EmscriptenModule): void {
    super.prepare(module);
    addFsync(module);
  }
}

function addFsync({ NODEFS: nodeFs }: EmscriptenModule): void {
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
