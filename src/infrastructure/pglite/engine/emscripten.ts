/** A file or a directory in Emscripten's own name table. */
export interface EmscriptenNode {
  readonly mode: number;
}

export interface EmscriptenStream {
  /** PostgreSQL's number for the stream. */
  readonly fd: number;
  /** The operating system's file descriptor. A directory has none. */
  readonly nfd: number | null | undefined;
  readonly node: EmscriptenNode;
}

type EmscriptenWrite = readonly [buffer: Uint8Array, offset: number, length: number, position: number];

/** The parts of Emscripten's file system that the engine changes. PGlite's types omit them. */
interface EmscriptenFs {
  isFile(mode: number): boolean;
  /** Removes a node from the name table. The disk does not change. */
  destroyNode(node: EmscriptenNode): void;
  /** Frees the number of a stream. The operating system's descriptor stays open. */
  closeStream(fd: number): void;
}

/** The parts of Emscripten's node file system that the engine changes. */
interface EmscriptenNodeFs {
  createNode: (parent: EmscriptenNode | null, name: string, mode: number, device: number) => EmscriptenNode;
  readonly node_ops: {
    mknod: (parent: EmscriptenNode, name: string, mode: number, device: number) => EmscriptenNode;
  };
  readonly stream_ops: {
    open: (stream: EmscriptenStream) => void;
    write: (stream: EmscriptenStream, ...data: EmscriptenWrite) => number;
    fsync?: (stream: EmscriptenStream) => number;
  };
  realPath(node: EmscriptenNode): string;
  /** Runs an operation of Node, and rethrows its error as the errno that PostgreSQL understands. */
  tryFSOperation<T>(operation: () => T): T;
}

export interface EmscriptenModule {
  readonly FS: EmscriptenFs;
  readonly NODEFS: EmscriptenNodeFs;
}
