import type { Duplex } from "node:stream";
import { messageScanner } from "./message-scanner.ts";
import type { ServerHost, ServerUrl } from "./server-url.ts";

/** A connection to a server that knows whether the server owes it an answer. */
export interface ServerConnection {
  readonly address: ServerHost;
  /** The driver uses it from the startup message on. */
  readonly socket: Duplex;
  /** The id of the server process (BackendKeyData); `null` until the server has sent it. */
  backend(): number | null;
  /** Whether the server has sent anything since TLS was set up. */
  hasAnswered(): boolean;
  /** The time since the last byte of the server while it owes an answer; 0 when it owes none. */
  silentMs(): number;
  /** Closes the connection immediately. The driver rejects all statements that wait on it. */
  destroy(reason: string): void;
}

/** Connects to one host and sets up TLS as the URL demands. Throws an error with a code, such as `CONNECT_TIMEOUT`. */
export type ConnectToServer = (server: ServerUrl, address: ServerHost, timeoutMs: number) => Promise<ServerConnection>;

/** SSLRequest, and the byte by which a server accepts it (PostgreSQL 18, 54.7). */
export const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
export const ACCEPTED = "S";

/**
 * Counts the answers that the server owes on a connection: ReadyForQuery for each startup message, Sync and Query, and
 * ParameterDescription for each Describe, which the driver sometimes sends without a Sync.
 */
export function observed(address: ServerHost, raw: Duplex, socket: Duplex): ServerConnection {
  let backend: number | null = null;
  let hasAnswered = false;
  let answersDue = 1;
  let descriptionsDue = 0;
  let heardAt = performance.now();
  const isDue = () => answersDue + descriptionsDue > 0;
  const scanSent = messageScanner(true, (type) => {
    if (!isDue()) heardAt = performance.now();
    if (type === "S" || type === "Q") answersDue++;
    if (type === "D") descriptionsDue++;
  });
  const scanReceived = messageScanner(false, (type, contents) => {
    if (type === "Z") answersDue = Math.max(0, answersDue - 1);
    if (type === "t") descriptionsDue = Math.max(0, descriptionsDue - 1);
    // After an error the server skips everything until the next Sync.
    if (type === "E") descriptionsDue = 0;
    if (type === "K" && contents.length >= 4) backend = contents.readUInt32BE(0);
  });
  const write = socket.write.bind(socket);
  // The driver passes buffers, and sometimes a callback.
  socket.write = (chunk: Buffer, ...rest: []) => {
    scanSent(chunk);
    return write(chunk, ...rest);
  };
  // The driver adds its own listener before the first message.
  socket.on("data", (chunk: Buffer) => {
    heardAt = performance.now();
    hasAnswered = true;
    scanReceived(chunk);
  });
  return {
    address,
    socket: Object.assign(socket, address.path === undefined ? { host: address.host, port: address.port } : {}),
    backend: () => backend,
    hasAnswered: () => hasAnswered,
    silentMs: () => (isDue() ? performance.now() - heardAt : 0),
    destroy: (reason) => {
      socket.destroy(Object.assign(new Error(reason), { code: "ETIMEDOUT" }));
      // A TLS socket alone would wait for its peer to close.
      raw.destroy();
    },
  };
}
