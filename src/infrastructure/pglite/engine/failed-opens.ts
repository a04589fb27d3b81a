import { rmSync } from "node:fs";
import type { EmscriptenModule, EmscriptenNode } from "./emscripten.ts";

/**
 * Makes a failed open(2) leave nothing behind. Emscripten adds a new file to its name table before the operating system
 * creates it, and a stream before it is open. It removes neither after a failure (emscripten-core/emscripten#16452). So
 * after a short lack of descriptors or inodes, PostgreSQL could neither open nor create ("File exists") a file that had
 * never been created, until the engine was restarted.
 */
export function undoFailedOpens({ FS, NODEFS }: EmscriptenModule): void {
  const { createNode } = NODEFS;
  const { mknod } = NODEFS.node_ops;
  const { open } = NODEFS.stream_ops;
  /** Files that were created for an open that has not succeeded yet. */
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
        // PostgreSQL retries with O_EXCL, so the failed open must not leave the file.
        NODEFS.tryFSOperation(() => rmSync(NODEFS.realPath(stream.node), { force: true }));
        FS.destroyNode(stream.node);
      }
      throw thrown;
    }
    unopened.delete(stream.node);
  };
}
