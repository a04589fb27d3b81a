import { rmSync } from "node:fs";
import type { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";

/** A file or a directory in Emscripten's own table of names. */
interface EmscriptenNode {
  readonly mode: number;
}

export interface EmscriptenStream {
  /** The number that PostgreSQL knows it by. */
  readonly fd: number;
  /** The operating system's file descriptor; a directory has none. */
  readonly nfd: number | null | undefined;
  readonly node: EmscriptenNode;
}

/** The parts of Emscripten's file system that are needed here; PGlite's types leave them out. */
interface EmscriptenFs {
  isFile(mode: number): boolean;
  /** Takes a node out of the table of names; nothing happens on the disk. */
  destroyNode(node: EmscriptenNode): void;
  /** Gives a stream's number back; nothing happens to the operating system's descriptor. */
  closeStream(fd: number): void;
}

/** The parts of Emscripten's node file system that are needed here. */
export interface EmscriptenNodeFs {
  createNode: (parent: EmscriptenNode | null, name: string, mode: number, device: number) => EmscriptenNode;
  readonly node_ops: {
    mknod: (parent: EmscriptenNode, name: string, mode: number, device: number) => EmscriptenNode;
  };
  readonly stream_ops: {
    open: (stream: EmscriptenStream) => void;
    fsync?: (stream: EmscriptenStream) => number;
  };
  realPath(node: EmscriptenNode): string;
  /** Runs what may throw an error of Node, and throws it as the errno that PostgreSQL understands. */
  tryFSOperation<T>(operation: () => T): T;
}

export interface EmscriptenModule {
  readonly FS: EmscriptenFs;
  readonly NODEFS: EmscriptenNodeFs;
}

type InitOptions = Parameters<NodeFS["init"]>[1];

/**
 * PGlite's file system on the disk, in which a failed open(2) leaves nothing behind. Emscripten enters a new file in its
 * table of names before it asks the operating system for it, and a stream before it is open, and takes neither back
 * (emscripten-core/emscripten#16452). So once descriptors or inodes had run out for a moment, a file that was never
 * made was to PostgreSQL one that it cannot open and cannot create ("File exists"), until the engine was replaced.
 */
export class CarefulNodeFs extends NodeFS {
  override async init(engine: PGlite, options: InitOptions): ReturnType<NodeFS["init"]> {
    const { emscriptenOpts } = await super.init(engine, options);
    const prepare = (module: object) => this.prepare(module as EmscriptenModule);
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), prepare] } };
  }

  /** Changes Emscripten's file systems before PostgreSQL runs on them. */
  protected prepare(module: EmscriptenModule): void {
    undoFailedOpens(module);
  }
}

function undoFailedOpens({ FS, NODEFS }: EmscriptenModule): void {
  const { createNode } = NODEFS;
  const { mknod } = NODEFS.node_ops;
  const { open } = NODEFS.stream_ops;
  /** Files that were made to be opened, and are not open yet. */
  const unopened = new WeakSet<EmscriptenNode>();

  NODEFS.node_ops.mknod = (parent, name, mode, device) => {
    let entered: EmscriptenNode | null = null;
    NODEFS.createNode = (...options) => (entered = createNode(...options));
    try {
      const node = mknod(parent, name, mode, device);
      if (FS.isFile(mode)) unopened.add(node);
      return node;
    } catch (thrown) {
      if (entered !== null) FS.destroyNode(entered);
      throw thrown;
    } finally {
      NODEFS.createNode = createNode;
    }
  };

  NODEFS.stream_ops.open = (stream) => {
    try {
      open(stream);
    } catch (thrown) {
      FS.closeStream(stream.fd);
      if (unopened.has(stream.node)) {
        // PostgreSQL tries again with O_EXCL, for which open(2) must have made nothing when it failed.
        NODEFS.tryFSOperation(() => rmSync(NODEFS.realPath(stream.node), { force: true }));
        FS.destroyNode(stream.node);
      }
      throw thrown;
    }
    unopened.delete(stream.node);
  };
}
