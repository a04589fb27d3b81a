import type { Socket } from "node:net";
import type { Connection, Connections } from "./connections.ts";

/** Checked so often within the time that a client has. */
const CHECKS = 6;

interface Progress {
  readonly acceptedBytes: number;
  readonly sinceMs: number;
}

/** Disconnects clients that accept no byte of what waits for them, for some time. */
export function disconnectStalled(connections: Connections, stalledAfterMs: number): { stop(): void } {
  const findStalled = stallDetector(stalledAfterMs);
  const check = setInterval(() => {
    for (const { socket } of findStalled(connections, performance.now())) socket.destroy();
  }, stalledAfterMs / CHECKS).unref();
  return { stop: () => clearInterval(check) };
}

/** Finds the connections that have accepted nothing between calls that are so far apart, though there was something. */
export function stallDetector(stalledAfterMs: number) {
  const progress = new WeakMap<Connection, Progress>();
  return (connections: Iterable<Connection>, nowMs: number): Connection[] => {
    const stalled: Connection[] = [];
    for (const connection of connections) {
      const { socket } = connection;
      const acceptedBytes = acceptedBytesOf(socket);
      const last = progress.get(connection);
      if (socket.writableLength === 0 || last?.acceptedBytes !== acceptedBytes) {
        progress.set(connection, { acceptedBytes, sinceMs: nowMs });
      } else if (nowMs - last.sinceMs >= stalledAfterMs) stalled.push(connection);
    }
    return stalled;
  };
}

/** Node's handle of a socket. net.Socket reads the same fields to tell a slow write from one that does not move. */
interface StreamHandle {
  readonly bytesWritten: number;
  /** What the kernel has not taken (libuv, uv_stream_get_write_queue_size). */
  readonly writeQueueSize: number;
}

/**
 * How many bytes the kernel has taken, also of a write that is not done: `socket.bytesWritten` counts what waits as well.
 * Where a runtime has no such handle, a write counts when it is done.
 */
function acceptedBytesOf(socket: Socket): number {
  const { _handle: handle } = socket as { readonly _handle?: StreamHandle | null };
  const isKnown = typeof handle?.bytesWritten === "number" && typeof handle.writeQueueSize === "number";
  return isKnown ? handle.bytesWritten - handle.writeQueueSize : socket.bytesWritten - socket.writableLength;
}
