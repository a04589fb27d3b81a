import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { Log } from "../../application/ports/log.ts";
import { SECURE_HEADERS } from "../http/openapi/headers.ts";
import { problemParts, type ProblemKind } from "../http/problem/problem.ts";
import { requestIdFrom } from "../http/middleware/request-id.ts";

/** All methods of the API. */
const METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

export type ServerResponses = ReturnType<typeof serverResponses>;

/** The client address for a log line; `undefined` if it is not known, or not to be logged. */
export type LoggedAddress = (request: Pick<IncomingMessage, "socket" | "headers">) => string | undefined;

/** Responses of the server itself, without the app. Each has a request id and, except for load shedding, a log line. */
export function serverResponses(log: Log, loggedAddress: LoggedAddress) {
  const logAnswer = (request: IncomingMessage, requestId: string, status: number, code?: ProblemKind) =>
    log.info(
      { requestId, method: request.method, path: pathOf(request), status, code, clientAddress: loggedAddress(request) },
      "request answered by the server itself",
    );

  return {
    /** Sheds a request. Load shedding writes its own log line. */
    shed: (request: IncomingMessage, response: ServerResponse, kind: ProblemKind) => {
      writeProblem(request, response, kind);
    },

    /** Rejects an invalid request and closes the connection: the bytes after it may not be a request. */
    refuse: (request: IncomingMessage, response: ServerResponse, kind: ProblemKind) => {
      response.shouldKeepAlive = false;
      const { requestId, status } = writeProblem(request, response, kind);
      logAnswer(request, requestId, status, kind);
    },

    /** Responds to `OPTIONS *` (RFC 9110, 9.3.7). */
    options: (request: IncomingMessage, response: ServerResponse) => {
      const requestId = requestIdOf(request);
      response.writeHead(204, { ...SECURE_HEADERS, Allow: METHODS, "X-Request-Id": requestId }).end();
      logAnswer(request, requestId, 204);
    },
  };
}

/** The text of a response to bytes that Node's parser rejects, with a log line. */
export function problemMessage(kind: ProblemKind, clientAddress: string | undefined, log: Log): string {
  const requestId = crypto.randomUUID();
  const { status, headers, body } = problemParts(kind, requestId);
  const head = {
    ...headers,
    "X-Request-Id": requestId,
    Date: new Date().toUTCString(),
    Connection: "close",
    "Content-Length": Buffer.byteLength(body),
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  log.info({ requestId, status, code: kind, clientAddress }, "malformed request refused by the HTTP parser");
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`;
}

function writeProblem(request: IncomingMessage, response: ServerResponse, kind: ProblemKind) {
  const requestId = requestIdOf(request);
  const { status, headers, body } = problemParts(kind, requestId);
  response.writeHead(status, { ...headers, "X-Request-Id": requestId, "Content-Length": Buffer.byteLength(body) });
  response.end(body);
  return { requestId, status };
}

function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers["x-request-id"];
  return requestIdFrom(typeof given === "string" ? given : undefined);
}

function pathOf({ url }: IncomingMessage): string | undefined {
  return url?.split("?", 1)[0];
}
