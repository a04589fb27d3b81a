import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { ServerLimits } from "./limits.ts";

type LingerLimits = Pick<ServerLimits, "lingerIdleMs" | "lingerMs">;

/** Closes a connection with {@link linger} after the response that announces the close. */
export function lingerAfterAnswer(request: IncomingMessage, limits: LingerLimits): void {
  const { socket } = request;
  // Node calls this method after the response, to destroy the socket.
  socket.destroySoon = () => {
    discard(request);
    linger(socket, limits);
  };
}

/**
 * Closes a connection in two steps (RFC 9112, 9.6). A connection that is closed while bytes arrive is reset, and a reset
 * discards the response of a client that still sends. So the server closes its side, and discards everything that arrives
 * until the client closes its own.
 */
export function linger(socket: Socket, { lingerIdleMs, lingerMs }: LingerLimits): void {
  if (socket.destroyed) return;
  const destroy = () => socket.destroy();
  const deadline = setTimeout(destroy, lingerMs).unref();
  socket.once("end", destroy).once("close", () => clearTimeout(deadline));
  // Node emits `timeout` and destroys the socket.
  socket.setTimeout(lingerIdleMs);
  socket.end();
  socket.resume();
}

/** Reads the rest of a body and discards it, even if the app has started to read it and paused it. */
function discard(request: IncomingMessage): void {
  request.removeAllListeners("data");
  request.resume();
}
