import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** A connection of a client. */
export interface Connection {
  readonly socket: Socket;
  /** Requests whose responses have not been sent. HTTP/1.1 pipelining allows several. */
  readonly exchanges: Set<Exchange>;
  /** When it was opened or its last response was sent, in milliseconds of `performance.now()`. */
  idleSinceMs: number;
  /** Bytes that belong to completed requests. */
  bytesAnswered: number;
  /** Whether a response has announced the close: no later request is served (RFC 9112, 9.6). */
  isClosing: boolean;
}

export interface Connections extends Iterable<Connection> {
  of(socket: Socket): Connection;
}

/** Tracks the open connections of a server. */
export function trackConnections(server: Server): Connections {
  const open = new Map<Socket, Connection>();
  const opened = (socket: Socket): Connection => {
    const connection: Connection = {
      socket,
      exchanges: new Set(),
      idleSinceMs: performance.now(),
      bytesAnswered: 0,
      isClosing: false,
    };
    open.set(socket, connection);
    socket.once("close", () => {
      open.delete(socket);
      for (const exchange of connection.exchanges) exchange.end();
    });
    return connection;
  };
  server.on("connection", opened);
  return {
    of: (socket) => open.get(socket) ?? opened(socket),
    [Symbol.iterator]: () => open.values(),
  };
}

/**
 * A request and its response, until the response has been sent or the connection is closed. Node 20 and 22 emit `close` only
 * for the response that has the socket and not for those pipelined behind it, so a closed connection ends all its exchanges.
 */
export class Exchange {
  readonly connection: Connection;
  isEnded = false;
  readonly #endings: (() => void)[] = [];

  constructor(connection: Connection, response: ServerResponse) {
    this.connection = connection;
    connection.exchanges.add(this);
    response.once("close", () => this.end());
  }

  /** Runs a function once at the end, or now if the exchange has ended. */
  atEnd(run: () => void): void {
    if (this.isEnded) run();
    else this.#endings.push(run);
  }

  end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    const { connection } = this;
    connection.exchanges.delete(this);
    connection.idleSinceMs = performance.now();
    connection.bytesAnswered = connection.socket.bytesRead;
    for (const run of this.#endings) run();
  }
}
