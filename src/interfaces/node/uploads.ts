import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { excessOf, type ByteBound } from "./byte-bound.ts";
import type { Exchange } from "./connections.ts";

const CHECK_MS = 100;

interface Upload {
  readonly socket: Socket;
  readonly address: string | null;
  readonly bytesBefore: number;
}

export interface Uploads {
  /** Counts the bytes of a request until it is complete or answered. */
  watch(request: IncomingMessage, exchange: Exchange, address: string | null): void;
  stop(): void;
}

/**
 * Bounds the memory of incomplete uploads. They do not count as running requests, so there may be any number of them, and
 * many small ones take as much memory as a few large ones.
 */
export function boundedUploads(bound: ByteBound): Uploads {
  const uploads = new Set<Upload>();
  const check = setInterval(() => {
    const holdings = Array.from(uploads, ({ socket, address, bytesBefore }) => ({
      socket,
      address,
      bytes: socket.bytesRead - bytesBefore,
    }));
    for (const { socket } of excessOf(holdings, bound)) socket.destroy();
  }, CHECK_MS).unref();
  return {
    watch: (request, exchange, address) => {
      const { socket, bytesAnswered } = exchange.connection;
      const upload = { socket, address, bytesBefore: bytesAnswered };
      const forget = () => uploads.delete(upload);
      uploads.add(upload);
      request.once("end", forget);
      exchange.atEnd(forget);
    },
    stop: () => clearInterval(check),
  };
}
