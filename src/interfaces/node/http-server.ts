import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { ok, type Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import { fail } from "../../domain/shared/fail.ts";
import { appListener, type Fetch } from "./app-listener.ts";
import { boundConnections } from "./bounded-connections.ts";
import { trackConnections } from "./connections.ts";
import { continueOnRead } from "./continue-on-read.ts";
import { closeGracefully } from "./graceful-shutdown.ts";
import { DEFAULT_LIMITS, type ServerLimits } from "./limits.ts";
import { loadShedding, type LoadShedding } from "./load-shedding.ts";
import { answerMalformedRequests } from "./malformed-requests.ts";
import { ObservedResponse } from "./observed-response.ts";
import { serverResponses, type LoggedAddress } from "./server-responses.ts";
import { requestHandler } from "./request-handler.ts";
import { disconnectStalled } from "./stalled-connections.ts";
import { boundedUploads } from "./uploads.ts";

/** Cannot listen on the address: it is in use, not of this machine, or not permitted. */
export interface ListenFailed {
  readonly kind: "listen_failed";
  readonly host: string;
  readonly port: number;
  readonly cause: unknown;
}

export interface HttpServer {
  readonly url: string;
  /** Stops accepting connections, drains running requests, and aborts those that take longer than `graceMs`. */
  close(graceMs: number): Promise<void>;
}

interface ListenOptions {
  readonly fetch: Fetch;
  readonly host: string;
  readonly port: number;
  /** The maximum number of open connections; `null` for no bound. */
  readonly maxConnections?: number | null;
  readonly log: Log;
  /** How long an idle connection is kept open. */
  readonly keepAliveMs?: number;
  /** The client address of a request; `null` for a trusted proxy that reports none. */
  readonly addressOf?: (request: Pick<IncomingMessage, "socket" | "headers">) => string | null;
  /** Whether log lines have the client address; true by default. */
  readonly logsClientAddress?: boolean;
  readonly shedding?: LoadShedding;
  readonly limits?: Partial<ServerLimits>;
}

/** Proxies keep a connection for 60 s (nginx, AWS) and must be the first to close it, or a request meets the close (502). */
const DEFAULT_KEEP_ALIVE_MS = 72_000;

/** Serves a fetch function over HTTP/1.1. Fails with `listen_failed`. */
export async function listen(options: ListenOptions): Promise<Result<HttpServer, ListenFailed>> {
  const { host, port } = options;
  const { server, close } = httpServer(options);
  return new Promise((settle) => {
    server.once("error", (cause) => settle(fail({ kind: "listen_failed", host, port, cause })));
    server.listen(port, host, () => {
      const { address, family, port: boundPort } = server.address() as AddressInfo;
      const url = `http://${family === "IPv6" ? `[${address}]` : address}:${boundPort}`;
      settle(ok({ url, close }));
    });
  });
}

function httpServer(options: ListenOptions): { readonly server: Server } & Pick<HttpServer, "close"> {
  const { log, keepAliveMs = DEFAULT_KEEP_ALIVE_MS, addressOf = peerAddress, maxConnections = null } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const loggedAddress: LoggedAddress = (request) =>
    options.logsClientAddress === false ? undefined : (addressOf(request) ?? undefined);
  // Otherwise Node itself refuses a request without Host, and sends no problem document.
  const server = createServer({ requireHostHeader: false, ServerResponse: ObservedResponse });
  server.keepAliveTimeout = keepAliveMs;
  // A client may close its side after its request (TCP half-close). Node would drop that request.
  Object.assign(server, { httpAllowHalfOpen: true });

  if (maxConnections !== null) {
    // Before its first request only the peer of a connection is known. The bounds per address do not apply to a trusted
    // proxy.
    const peerOf = (socket: Socket) => addressOf({ socket, headers: {} });
    boundConnections(server, { maxConnections, addressOf: peerOf, log });
  }
  const connections = trackConnections(server);
  const uploads = boundedUploads({
    maxBytes: limits.maxUploadBytes,
    maxBytesPerAddress: limits.maxUploadBytesPerAddress,
  });
  const { handle, refuseExpectation, noteConnection, announceShutdown } = requestHandler({
    app: appListener(options.fetch, options.host, log),
    answers: serverResponses(log, loggedAddress),
    shedding: options.shedding ?? loadShedding(log),
    addressOf,
    connections,
    uploads,
    limits,
  });
  answerMalformedRequests(server, connections, { limits, log, loggedAddress });
  server.on("connection", noteConnection);
  server.on("request", handle);
  server.on("checkExpectation", refuseExpectation);
  server.on("checkContinue", (request, response) => {
    continueOnRead(request, response);
    handle(request, response);
  });
  const stalled = disconnectStalled(connections, limits.stalledAfterMs);
  server.once("close", () => {
    uploads.stop();
    stalled.stop();
  });
  const close = async (graceMs: number) => {
    announceShutdown();
    await closeGracefully(server, connections, graceMs);
  };
  return { server, close };
}

function peerAddress({ socket }: Pick<IncomingMessage, "socket">): string | null {
  return socket.remoteAddress ?? null;
}
