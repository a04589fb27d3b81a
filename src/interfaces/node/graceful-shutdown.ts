import type { Server } from "node:http";
import type { Connections } from "./connections.ts";

const IDLE_CHECK_MS = 50;
/**
 * A connection is idle when it has had no request for so long. The next request of a client that asks without a pause may
 * have arrived already and wait to be read: it is answered, and the answer says that the connection closes.
 */
const IDLE_AFTER_MS = 100;

/** Stops accepting, waits for the requests that run, and cuts those that take longer than `graceMs`. */
export async function closeGracefully(server: Server, connections: Connections, graceMs: number): Promise<void> {
  const closeIdle = () => {
    const idleSinceMs = performance.now() - IDLE_AFTER_MS;
    for (const connection of connections) {
      const isIdle = connection.exchanges.size === 0 && connection.idleSinceMs <= idleSinceMs;
      if (isIdle && !connection.isClosing) connection.socket.destroy();
    }
  };
  // Node's own, which close() calls, cuts connections whose next request waits to be read.
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
