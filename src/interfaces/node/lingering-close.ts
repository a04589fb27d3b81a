import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { ServerLimits } from "./limits.ts";

type LingerLimits = Pick<ServerLimits, "lingerIdleMs" | "lingerMs">;

/** Closes a connection with {@link linger}, once the answer that says so has been sent. */
export function lingerAfterAnswer(request: IncomingMessage, limits: LingerLimits): void {
  const { socket } = request;
  // Node calls it then, to destroy the socket.
  socket.destroySoon = () => {
    discard(request);
    linger(socket, limits);
  };
}

/**
 * Closes a connection in two steps (RFC 9112, 9.6). One that is closed while bytes arrive is reset, and a reset takes the
 * answer from a client that still sends. So the server ends its side, and throws away what comes until the client ends its
 * own.
 */
export function linger(socket: Socket, { lingerIdleMs, lingerMs }: LingerLimits): void {
  if (socket.destroyed) return;
  const destroy = () => socket.destroy();
  const deadline = setTimeout(destroy, lingerMs).unref();
  socket.once("end", destroy).once("close", () => clearTimeout(deadline));
  // Node destroys a socket at its timeout.
  socket.setTimeout(lingerIdleMs);
  socket.end();
  socket.resume();
}

/** Reads a body to its end and drops it, also where the app has begun to read it and holds it up. */
function discard(request: IncomingMessage): void {
  request.removeAllListeners("data");
  request.resume();
}
