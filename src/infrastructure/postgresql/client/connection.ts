import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { driverError } from "../../sql/driver-error.ts";
import { messageScanner } from "./message-scanner.ts";
import type { ServerHost, ServerUrl } from "./server-url.ts";

/** A connection to a server that knows whether the server owes it an answer. */
export interface ServerConnection {
  readonly address: ServerHost;
  /** The driver uses it from the startup message on. */
  readonly socket: Socket;
  /** The id of the server process (BackendKeyData); `null` until the server has sent it. */
  backend(): number | null;
  /** Whether the server has sent anything since TLS was set up. */
  hasAnswered(): boolean;
  /** The time since the last byte of the server while it owes an answer; 0 when it owes none. */
  silentMs(): number;
  /** Closes the connection immediately. The driver rejects all statements that wait on it. */
  destroy(reason: string): void;
}

/** SSLRequest, and the byte by which a server accepts it (PostgreSQL 18, 54.7). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const ACCEPTED = "S";

/**
 * Connects to one host and sets up TLS as the URL demands. The driver could do both, but it would hide the socket, and the
 * watchdog could neither see nor close a dead connection. Throws the error of the system, or `CONNECT_TIMEOUT`.
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
    await eventOf(raw, "connect", timeout);
    if (server.keepAliveDelayMs !== null) raw.setKeepAlive(true, server.keepAliveDelayMs);
    const isPlain = server.tls === false || address.path !== undefined;
    return observed(address, raw, isPlain ? raw : await secured(server, address, raw, timeout));
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
    const [answer] = (await eventOf(raw, "data", timeout)) as [Buffer];
    // More than one byte was injected by a machine in between (CVE-2021-23222).
    if (answer.toString("latin1") !== ACCEPTED) {
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
  await eventOf(socket, "secureConnect", timeout);
  return socket;
}

/** An `error` event without a listener would end the process. */
const ignore = () => {};

/** Waits for an event. Rejects when the socket fails or closes before it. */
async function eventOf(socket: Socket, event: string, timeout: AbortSignal): Promise<unknown[]> {
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
 * Counts the answers that the server owes on a connection: ReadyForQuery for each startup message, Sync and Query, and
 * ParameterDescription for each Describe, which the driver sometimes sends without a Sync.
 */
function observed(address: ServerHost, raw: Socket, socket: Socket): ServerConnection {
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
