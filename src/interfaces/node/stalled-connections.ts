import type { Socket } from "node:net";
import type { Connection, Connections } from "./connections.ts";

/** Checks within the time after which a client counts as stalled. */
const CHECKS = 6;

interface Progress {
  readonly acceptedBytes: number;
  readonly sinceMs: number;
}

/** Disconnects clients that read no byte of their waiting responses for some time. */
export function disconnectStalled(connections: Connections, stalledAfterMs: number): { stop(): void } {
  const findStalled = stallDetector(stalledAfterMs);
  const check = setInterval(() => {
    for (const { socket } of findStalled(connections, performance.now())) socket.destroy();
  }, stalledAfterMs / CHECKS).unref();
  return { stop: () => clearInterval(check) };
}

/** Finds connections with unsent bytes that accepted none of them for `stalledAfterMs`, from call to call. */
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

/** Node's handle of a socket. net.Socket reads the same fields to distinguish a slow write from a stalled one. */
interface StreamHandle {
  readonly bytesWritten: number;
  /** Bytes that the kernel has not accepted (libuv, uv_stream_get_write_queue_size). */
  readonly writeQueueSize: number;
}

/**
 * Bytes that the kernel has accepted, including those of an unfinished write: `socket.bytesWritten` includes waiting bytes.
 * On a runtime without such a handle a write counts when it has finished.
 */
function acceptedBytesOf(socket: Socket): number {
  const { _handle: handle } = socket as { readonly _handle?: StreamHandle | null };
  const isKnown = typeof handle?.bytesWritten === "number" && typeof handle.writeQueueSize === "number";
  return isKnown ? handle.bytesWritten - handle.writeQueueSize : socket.bytesWritten - socket.writableLength;
}
