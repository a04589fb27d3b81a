import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Log } from "../../application/ports/log.ts";
import type { ProblemKind } from "../http/problem/problem.ts";
import type { Connections } from "./connections.ts";
import { linger } from "./lingering-close.ts";
import type { ServerLimits } from "./limits.ts";
import { problemMessage } from "./own-answers.ts";

const KINDS_BY_PARSER_ERROR: Readonly<Record<string, ProblemKind>> = {
  HPE_HEADER_OVERFLOW: "headers_too_large",
  ERR_HTTP_REQUEST_TIMEOUT: "request_timeout",
};

/**
 * Answers requests that Node's parser refuses: there is no request and no response object, only the socket. Where another
 * answer is under way on it, this one would be taken for that, or for a part of it: then the connection is cut.
 */
export function answerMalformedRequests(
  server: Server,
  connections: Connections,
  limits: ServerLimits,
  log: Log,
): void {
  const last = new WeakMap<Socket, ServerResponse>();
  for (const event of ["request", "checkContinue", "checkExpectation"]) {
    server.on(event, ({ socket }, response: ServerResponse) => last.set(socket, response));
  }
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const connection = connections.of(socket);
    // What comes after the last answer is thrown away, and need not be a request.
    if (connection.isClosing) return;
    const response = last.get(socket);
    const isFree =
      response === undefined || (response.req.complete ? response.writableFinished : !response.headersSent);
    // A connection that sent nothing asked nothing: browsers open some in advance.
    if (!isFree || !socket.writable || error.code === "ECONNRESET" || socket.bytesRead === 0) {
      socket.destroy();
      return;
    }
    connection.isClosing = true;
    const kind = KINDS_BY_PARSER_ERROR[error.code ?? ""] ?? "malformed_request";
    socket.write(problemMessage(kind, socket.remoteAddress, log));
    linger(socket, limits);
  });
}
