import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { driverError } from "../../sql/driver-error.ts";
import { messageScanner } from "./message-scanner.ts";
import type { ServerHost, ServerUrl } from "./server-url.ts";

/** A connection to a server, before or after it was secured, that knows whether an answer is due on it. */
export interface ServerConnection {
  readonly address: ServerHost;
  /** For the driver, which speaks to it from its startup message on. */
  readonly socket: Socket;
  /** The process that serves it, by the server's own account; `null` until it has said so. */
  backend(): number | null;
  /** Whether anything has come since it was secured. */
  hasAnswered(): boolean;
  /** How long nothing has come although an answer is due; 0 where none is. */
  silentMs(): number;
  /** Cuts it off at once; the driver gives the error to all that wait on it. */
  destroy(reason: string): void;
}

/** PostgreSQL 18, 54.7: an SSLRequest, and the byte by which a server agrees to it. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const AGREED = "S";

/**
 * Connects to one host and secures the connection as the URL says. The driver could do both itself, and would keep the
 * socket to itself then: nobody could see that it is dead, nor close it. Throws what the system says, and `CONNECT_TIMEOUT`.
 */
export async function connectToServer(
  server: ServerUrl,
  address: ServerHost,
  timeoutMs: number,
): Promise<ServerConnection> {
  const raw = address.path === undefined ? connect(address) : connect(address.path);
  const timeout = AbortSignal.timeout(timeoutMs);
  raw.on("error", ignore);
  try {
    await happened(raw, "connect", timeout);
    if (server.keepAliveDelayMs !== null) raw.setKeepAlive(true, server.keepAliveDelayMs);
    const isPlain = server.tls === false || address.path !== undefined;
    return watched(address, raw, isPlain ? raw : await secured(server, address, raw, timeout));
  } catch (thrown) {
    raw.destroy();
    throw thrown;
  }
}

async function secured(
  { tls, tlsNegotiation }: ServerUrl,
  address: ServerHost,
  raw: Socket,
  timeout: AbortSignal,
): Promise<Socket> {
  if (tlsNegotiation === "postgres") {
    raw.write(SSL_REQUEST);
    const [answer] = (await happened(raw, "data", timeout)) as [Buffer];
    // More than a byte was put in by somebody in between (CVE-2021-23222).
    if (answer.toString("latin1") !== AGREED) {
      if (tls === "prefer") return raw;
      throw driverError("sqlclient_unable_to_establish_sqlconnection", "The server does not speak TLS.");
    }
  }
  const host = address.path === undefined ? address.host : "localhost";
  const socket = connectTls({
    socket: raw,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(tlsNegotiation === "direct" ? { ALPNProtocols: ["postgresql"] } : {}),
    ...(typeof tls === "object" ? tls : { rejectUnauthorized: false }),
  });
  socket.on("error", ignore);
  await happened(socket, "secureConnect", timeout);
  return socket;
}

/** An error that comes when nobody waits any more would end the process. */
const ignore = () => {};

/** Waits for an event, or for the end of the socket. */
async function happened(socket: Socket, event: string, timeout: AbortSignal): Promise<unknown[]> {
  const over = new AbortController();
  try {
    return await new Promise<unknown[]>((settle, refuse) => {
      const refuseWith = (code: string) => refuse(Object.assign(new Error(code), { code }));
      const listeners = {
        [event]: (...values: unknown[]) => settle(values),
        error: refuse,
        close: () => refuseWith("ECONNRESET"),
      };
      for (const [name, listener] of Object.entries(listeners)) {
        socket.on(name, listener);
        over.signal.addEventListener("abort", () => void socket.off(name, listener));
      }
      timeout.addEventListener("abort", () => refuseWith("CONNECT_TIMEOUT"), { signal: over.signal });
      if (timeout.aborted) refuseWith("CONNECT_TIMEOUT");
    });
  } finally {
    over.abort();
  }
}

/**
 * Follows the messages on a connection. An answer is due from each Sync, Query and startup message until its ReadyForQuery,
 * and from each Describe, which the driver sends without a Sync at times, until its ParameterDescription.
 */
function watched(address: ServerHost, raw: Socket, socket: Socket): ServerConnection {
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
  // The driver gives whole buffers, and at times what is to be called when they are written.
  socket.write = (chunk: Buffer, ...rest: []) => {
    scanSent(chunk);
    return write(chunk, ...rest);
  };
  // The driver listens as well, before anything is said.
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
      // A socket under TLS would wait for its peer to close it.
      raw.destroy();
    },
  };
}
