import type { Server } from "node:http";
import type { Connections } from "./connections.ts";

const IDLE_CHECK_MS = 50;
/**
 * A connection without a request for this time is idle. Before that, the next request of a busy client may have arrived and
 * not been read yet. It is answered, with `Connection: close`.
 */
const IDLE_AFTER_MS = 100;

/** Stops accepting connections, drains running requests, and aborts those that take longer than `graceMs`. */
export async function closeGracefully(server: Server, connections: Connections, graceMs: number): Promise<void> {
  const closeIdle = () => {
    const idleSinceMs = performance.now() - IDLE_AFTER_MS;
    for (const connection of connections) {
      const isIdle = connection.exchanges.size === 0 && connection.idleSinceMs <= idleSinceMs;
      if (isIdle && !connection.isClosing) connection.socket.destroy();
    }
  };
  // close() calls this method. Node's own would abort connections whose next request has not been read yet.
  server.closeIdleConnections = closeIdle;
  const closed = new Promise<void>((settle) => {
    server.close(() => settle());
  });
  const idleCheck = setInterval(closeIdle, IDLE_CHECK_MS);
  const deadline = setTimeout(() => {
    for (const { socket } of connections) socket.destroy();
  }, graceMs);
  await closed;
  clearInterval(idleCheck);
  clearTimeout(deadline);
}
