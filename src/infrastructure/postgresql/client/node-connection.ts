import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { driverError } from "../../sql/driver-error.ts";
import { ACCEPTED, observed, SSL_REQUEST, type ConnectToServer } from "./connection.ts";
import type { ServerHost, ServerUrl } from "./server-url.ts";

/**
 * Connects with the sockets of Node. The driver could do that too, but it would hide the socket, and the watchdog could neither
 * see nor close a dead connection. Throws the error of the system, or `CONNECT_TIMEOUT`.
 */
export const connectOnNode: ConnectToServer = async (server, address, timeoutMs) => {
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
};

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
