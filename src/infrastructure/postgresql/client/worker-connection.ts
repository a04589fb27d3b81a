import { Duplex } from "node:stream";
import type { WorkerSocket } from "cloudflare:sockets";
import { driverError } from "../../sql/driver-error.ts";
import { ACCEPTED, observed, SSL_REQUEST, type ConnectToServer } from "./connection.ts";
import { hostAndPort, type ServerUrl } from "./server-url.ts";

/**
 * Connects with the sockets of workerd, which alone can begin TLS after a request in clear text. A certificate is always verified
 * against the authorities that the worker trusts, and its name against the host.
 */
export const connectOnWorker: ConnectToServer = async (server, address, timeoutMs) => {
  if (address.path !== undefined) throw unable("A worker cannot connect to a Unix socket.");
  const { connect } = await import("cloudflare:sockets");
  const secureTransport = server.tls === false ? "off" : "starttls";
  const raw = connect(hostAndPort(address), { secureTransport, allowHalfOpen: false });
  let isLate = false;
  const timeout = setTimeout(() => {
    isLate = true;
    void raw.close();
  }, timeoutMs);
  try {
    await raw.opened;
    const socket = server.tls === false ? raw : await secured(server, raw);
    const duplex = new SocketDuplex(socket);
    return observed(address, duplex, duplex);
  } catch (thrown) {
    void raw.close();
    throw Object.assign(asError(thrown), { code: isLate ? "CONNECT_TIMEOUT" : "ECONNREFUSED" });
  } finally {
    clearTimeout(timeout);
  }
};

async function secured({ tls }: ServerUrl, raw: WorkerSocket): Promise<WorkerSocket> {
  const writer = raw.writable.getWriter();
  await writer.write(SSL_REQUEST);
  writer.releaseLock();
  const reader = raw.readable.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  // More than one byte was injected by a machine in between (CVE-2021-23222).
  if (new TextDecoder("latin1").decode(value) === ACCEPTED) {
    const socket = raw.startTls();
    await socket.opened;
    return socket;
  }
  if (tls === "prefer") return raw;
  throw unable("The server does not speak TLS.");
}

function unable(message: string): Error {
  return driverError("sqlclient_unable_to_establish_sqlconnection", message);
}

/** The streams of a socket as the driver uses them. A failure has the code of a lost connection. */
class SocketDuplex extends Duplex {
  readonly #socket: WorkerSocket;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor(socket: WorkerSocket) {
    super();
    this.#socket = socket;
    this.#reader = socket.readable.getReader();
    this.#writer = socket.writable.getWriter();
  }

  /** The driver says goodbye on an open socket only. */
  get readyState(): "open" | "closed" {
    return this.destroyed ? "closed" : "open";
  }

  override _read(): void {
    void this.#receive();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: Done): void {
    void callBack(this.#writer.write(chunk), done);
  }

  override _final(done: Done): void {
    void callBack(this.#writer.close(), done);
  }

  override _destroy(error: Error | null, done: Done): void {
    void callBack(this.#socket.close(), () => done(error));
  }

  async #receive(): Promise<void> {
    const [received] = await Promise.allSettled([this.#reader.read()]);
    if (received.status === "rejected") this.destroy(lost(received.reason));
    else this.push(received.value.done ? null : Buffer.from(received.value.value));
  }
}

type Done = (error?: Error | null) => void;

/** Calls back once a promise has settled, as the methods of a stream do. */
async function callBack(settling: Promise<void>, done: Done): Promise<void> {
  const [settled] = await Promise.allSettled([settling]);
  done(settled.status === "rejected" ? lost(settled.reason) : null);
}

function lost(reason: unknown): Error {
  return Object.assign(asError(reason), { code: "ECONNRESET" });
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
