import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Log } from "../../application/ports/log.ts";
import type { ProblemKind } from "../http/problem/problem.ts";
import type { Connections } from "./connections.ts";
import { linger } from "./lingering-close.ts";
import type { ServerLimits } from "./limits.ts";
import { problemMessage, type LoggedAddress } from "./server-responses.ts";

const KINDS_BY_PARSER_ERROR: Readonly<Record<string, ProblemKind>> = {
  HPE_HEADER_OVERFLOW: "headers_too_large",
  ERR_HTTP_REQUEST_TIMEOUT: "request_timeout",
};

interface MalformedRequestOptions {
  readonly limits: ServerLimits;
  readonly log: Log;
  readonly loggedAddress: LoggedAddress;
}

/**
 * Responds to requests that Node's parser rejects. There is no request and no response object, only the socket. If another
 * response is being sent on it, the client would take this one for a part of that, so the connection is destroyed.
 */
export function answerMalformedRequests(
  server: Server,
  connections: Connections,
  { limits, log, loggedAddress }: MalformedRequestOptions,
): void {
  const last = new WeakMap<Socket, ServerResponse>();
  for (const event of ["request", "checkContinue", "checkExpectation"]) {
    server.on(event, ({ socket }, response: ServerResponse) => last.set(socket, response));
  }
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const connection = connections.of(socket);
    // Bytes after the last response are discarded; they need not be a request.
    if (connection.isClosing) return;
    const response = last.get(socket);
    const isFree =
      response === undefined || (response.req.complete ? response.writableFinished : !response.headersSent);
    // A connection without any byte expects no response: browsers open some in advance.
    if (!isFree || !socket.writable || error.code === "ECONNRESET" || socket.bytesRead === 0) {
      socket.destroy();
      return;
    }
    connection.isClosing = true;
    const kind = KINDS_BY_PARSER_ERROR[error.code ?? ""] ?? "malformed_request";
    socket.write(problemMessage(kind, loggedAddress({ socket, headers: {} }), log));
    linger(socket, limits);
  });
}
