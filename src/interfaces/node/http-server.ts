import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener, RequestError } from "@hono/node-server";
import { ok, type Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import { fail } from "../../domain/fail.ts";
import { eventLoopShares } from "./event-loop-shares.ts";
import { problemParts, type ProblemKind } from "../http/problem.ts";

/** The address cannot be listened on: it is taken, not this machine's, or not allowed. */
export interface ListenFailed {
  readonly kind: "listen_failed";
  readonly host: string;
  readonly port: number;
  readonly cause: unknown;
}

export interface HttpServer {
  readonly url: string;
  /** Stops accepting, waits for the requests that run, and cuts those that take longer than `graceMs`. */
  close(graceMs: number): Promise<void>;
}

interface ListenOptions {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  readonly host: string;
  readonly port: number;
  /** How many connections there may be at a time; one more is closed at once. `null` for any number. */
  readonly maxConnections?: number | null;
  readonly log: Log;
}

/** Serves a fetch function over HTTP/1.1. Fails with `listen_failed`. */
export async function listen(options: ListenOptions): Promise<Result<HttpServer, ListenFailed>> {
  const { fetch, host, port, maxConnections = null, log } = options;
  const listener = getRequestListener(fetch, {
    hostname: host,
    errorHandler: (error) => {
      const malformed = error instanceof RequestError;
      if (!malformed) log.error({ error }, "request failed outside the app");
      const { status, headers, body } = problemParts(malformed ? "malformed_request" : "internal_error", null);
      return new Response(body, { status, headers });
    },
  });
  let running = 0;
  const refusals = eventLoopShares();
  const work = eventLoopShares();
  // Node would answer a request without a Host itself, with no problem document.
  const server = createServer({ requireHostHeader: false }, (request, response) => {
    if (!hasOneHost(request)) answer(response, "malformed_request");
    else if (HEALTH.test(request.url ?? "")) void listener(request, response);
    else if (running >= MOST_RUNNING) refusals.run(() => response.writeHead(503, BUSY.headers).end(BUSY.body));
    else {
      whileItRuns(request, response, (change) => (running += change));
      work.run(() => void listener(request, response));
    }
  });
  server.on("connection", refusals.noteConnection).on("connection", work.noteConnection);
  server.on("checkExpectation", (_, response: ServerResponse) => answer(response, "expectation_failed"));
  answerBrokenRequests(server);
  boundUploads(server);
  if (maxConnections !== null) boundConnections(server, maxConnections, log);
  const unused = trackUnusedConnections(server);
  return new Promise((settle) => {
    server.once("error", (cause) => settle(fail({ kind: "listen_failed", host, port, cause })));
    server.listen(port, host, () => {
      const { address, family, port: boundPort } = server.address() as AddressInfo;
      const url = `http://${family === "IPv6" ? `[${address}]` : address}:${boundPort}`;
      settle(ok({ url, close: async (graceMs) => closeGracefully(server, unused, graceMs) }));
    });
  });
}

const DROP_LOG_INTERVAL_MS = 60_000;

/** Leaves the descriptors that the database needs to it, however many clients connect. */
function boundConnections(server: Server, maxConnections: number, log: Log): void {
  server.maxConnections = maxConnections;
  let lastNotedAt = -Infinity;
  server.on("drop", () => {
    if (performance.now() - lastNotedAt < DROP_LOG_INTERVAL_MS) return;
    lastNotedAt = performance.now();
    log.warn({ maxConnections }, "connections are refused: as many are open as the limit of open files allows");
  });
}

/** RFC 9112, 3.2: a Host header, and one; without one there is HTTP/1.0. Of several Node would take the first. */
function hasOneHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  // Names and values take turns.
  const hosts = rawHeaders.filter((text, index) => index % 2 === 0 && /^host$/i.test(text)).length;
  return hosts === 1 || (hosts === 0 && httpVersion === "1.0");
}

/** The connections that have not asked anything yet: Node does not count them as idle. */
function trackUnusedConnections(server: Server): ReadonlySet<Socket> {
  const unused = new Set<Socket>();
  server.on("connection", (socket) => {
    unused.add(socket);
    socket.once("close", () => unused.delete(socket));
  });
  server.on("request", ({ socket }) => unused.delete(socket));
  return unused;
}

/** Answers with a problem where Node has made a response already. */
function answer(response: ServerResponse, kind: ProblemKind): void {
  const { status, headers, body } = problemParts(kind, null);
  response.writeHead(status, { ...headers, Connection: "close", "Content-Length": Buffer.byteLength(body) }).end(body);
}

/**
 * How many requests are worked on at a time. One more would wait longer than its client, and to refuse it here costs so
 * little that those that are worked on are served as before; health is asked by whoever must know.
 */
const MOST_RUNNING = 256;
const HEALTH = /^\/(?:v1\/)?health\//;
const BUSY = problemParts("storage_busy", null);

const BODILESS = /^(?:GET|HEAD|OPTIONS|DELETE)$/;

/**
 * Counts a request from when it has arrived whole, so that slow uploads keep nobody out, until it is answered; at once where
 * nobody waits for its body.
 */
function whileItRuns(request: IncomingMessage, response: ServerResponse, count: (change: 1 | -1) => void): void {
  const begin = () => {
    if (response.closed) return;
    count(1);
    response.once("close", () => count(-1));
  };
  const hasBody = request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
  if (hasBody && !BODILESS.test(request.method ?? "")) request.once("end", begin);
  else begin();
}

const LARGE_BODY_BYTES = 65_536;
/** How much may have arrived of large bodies that are not whole yet; of more, those that have taken longest are cut. */
const MOST_ARRIVED_BYTES = 256 * 1_048_576;
const UPLOAD_CHECK_MS = 100;

/** Bounds the memory of uploads that do not come to an end: as they are not counted as running, there may be any number. */
function boundUploads(server: Server): void {
  const uploads = new Map<IncomingMessage, number>();
  server.on("request", (request: IncomingMessage) => {
    const { "content-length": length, "transfer-encoding": coding } = request.headers;
    if (coding === undefined && Number(length ?? 0) <= LARGE_BODY_BYTES) return;
    uploads.set(request, request.socket.bytesRead);
    request.once("close", () => uploads.delete(request));
  });
  const check = setInterval(() => {
    let arrived = 0;
    for (const [{ socket }, readBefore] of [...uploads].toReversed()) {
      arrived += socket.bytesRead - readBefore;
      if (arrived > MOST_ARRIVED_BYTES) socket.destroy();
    }
  }, UPLOAD_CHECK_MS).unref();
  server.once("close", () => clearInterval(check));
}

const IDLE_CHECK_MS = 50;

async function closeGracefully(server: Server, unused: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  const closed = new Promise<void>((settle) => {
    server.close(() => settle());
  });
  for (const socket of unused) socket.destroy();
  // A kept-alive connection whose request ends while we wait becomes idle only then.
  const idleCheck = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const deadline = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idleCheck);
  clearTimeout(deadline);
}

const KINDS_BY_PARSER_ERROR: Readonly<Record<string, ProblemKind>> = {
  HPE_HEADER_OVERFLOW: "headers_too_large",
  ERR_HTTP_REQUEST_TIMEOUT: "request_timeout",
};

/**
 * Answers what Node's parser refuses: there is no request and no response object, only the socket. Where another answer is
 * under way on it, this one would be taken for that, or for a part of it: then the connection is cut.
 */
function answerBrokenRequests(server: Server): void {
  const last = new WeakMap<Socket, ServerResponse>();
  server.on("request", (request, response) => last.set(request.socket, response));
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const response = last.get(socket);
    const isOpen =
      response === undefined || (response.req.complete ? response.writableFinished : !response.headersSent);
    if (isOpen && socket.writable && error.code !== "ECONNRESET") answerBrokenRequest(error, socket);
    else socket.destroy();
  });
}

function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  const { status, headers, body } = problemParts(KINDS_BY_PARSER_ERROR[error.code ?? ""] ?? "malformed_request", null);
  const head = { ...headers, Connection: "close", "Content-Length": Buffer.byteLength(body) };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`);
}
