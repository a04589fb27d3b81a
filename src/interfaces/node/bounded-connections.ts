import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Log } from "../../application/ports/log.ts";

interface ConnectionBounds {
  /** A connection above this number is closed immediately. */
  readonly maxConnections: number;
  /** The client address of a connection; `null` for a trusted proxy, whose connections belong to many clients. */
  readonly addressOf: (socket: Socket) => string | null;
  readonly log: Log;
}

/** The largest share of one address, so that its idle connections do not keep other clients out. */
const ADDRESS_SHARE = 0.5;
const LOG_INTERVAL_MS = 60_000;

/** Bounds the connections, so that clients cannot use up the file descriptors that the database needs. */
export function boundConnections(server: Server, { maxConnections, addressOf, log }: ConnectionBounds): void {
  const maxPerAddress = Math.ceil(maxConnections * ADDRESS_SHARE);
  const openByAddress = new Map<string, number>();
  let lastLoggedMs = Number.NEGATIVE_INFINITY;
  const logRefusal = () => {
    if (performance.now() - lastLoggedMs < LOG_INTERVAL_MS) return;
    lastLoggedMs = performance.now();
    log.warn(
      { maxConnections, maxPerAddress },
      "connections refused: the limit of open files is reached, or one address has half of the connections",
    );
  };

  server.maxConnections = maxConnections;
  server.on("drop", logRefusal);
  server.on("connection", (socket: Socket) => {
    const address = addressOf(socket);
    if (address === null) return;
    const open = openByAddress.get(address) ?? 0;
    if (open >= maxPerAddress) {
      socket.destroy();
      logRefusal();
      return;
    }
    openByAddress.set(address, open + 1);
    socket.once("close", () => {
      const left = (openByAddress.get(address) ?? 0) - 1;
      if (left === 0) openByAddress.delete(address);
      else openByAddress.set(address, left);
    });
  });
}
