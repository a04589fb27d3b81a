import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Log } from "../../application/ports/log.ts";

interface ConnectionBounds {
  /** One more is closed at once. */
  readonly maxConnections: number;
  /** The address that a connection counts for; `null` for a proxy, which has those of many clients. */
  readonly addressOf: (socket: Socket) => string | null;
  readonly log: Log;
}

/** No address has more than this share, so that idle connections, which are kept for long, do not keep others out. */
const ADDRESS_SHARE = 0.5;
const LOG_INTERVAL_MS = 60_000;

/** Leaves the descriptors that the database needs to it, however many clients connect. */
export function boundConnections(server: Server, { maxConnections, addressOf, log }: ConnectionBounds): void {
  const maxPerAddress = Math.ceil(maxConnections * ADDRESS_SHARE);
  const openByAddress = new Map<string, number>();
  let lastLoggedMs = Number.NEGATIVE_INFINITY;
  const logRefusal = () => {
    if (performance.now() - lastLoggedMs < LOG_INTERVAL_MS) return;
    lastLoggedMs = performance.now();
    log.warn(
      { maxConnections, maxPerAddress },
      "connections are refused: as many are open as the limit of open files allows, or one address has half of them",
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
