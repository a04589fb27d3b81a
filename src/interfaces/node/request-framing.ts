import type { IncomingMessage } from "node:http";
import type { ProblemKind } from "../http/problem/problem.ts";

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

/**
 * Whether a part of the body has not come yet. Node calls a request complete a little later than its last byte is there,
 * and one without a body only after it has been handled.
 */
export function isBodyArriving(request: IncomingMessage): boolean {
  if (request.complete || !hasBody(request)) return false;
  const length = request.headers["content-length"];
  return length === undefined || request.readableLength < Number(length);
}

/** Why a request cannot be served that Node's parser lets pass; `null` when it can. */
export function framingProblemOf(request: IncomingMessage): ProblemKind | null {
  const coding = request.headers["transfer-encoding"];
  if (!hasOneHost(request)) return "malformed_request";
  if (coding === undefined) return null;
  // RFC 9112, 6.1: HTTP/1.0 has no transfer codings, so its framing is faulty; a coding that is not known is 501.
  if (request.httpVersion === "1.0") return "malformed_request";
  return coding.toLowerCase() === "chunked" ? null : "transfer_coding_unsupported";
}

/** RFC 9112, 3.2: a Host header, and one; without one there is HTTP/1.0. Of several Node would take the first. */
function hasOneHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  // Names and values take turns.
  const hosts = rawHeaders.filter((text, index) => index % 2 === 0 && /^host$/i.test(text)).length;
  return hosts === 1 || (hosts === 0 && httpVersion === "1.0");
}

/**
 * The health checks, which are answered under any load. The target must be one of their paths exactly: the app resolves
 * dot segments, so `/health/../v1/posts` is a list.
 */
export function isHealthCheck({ url = "" }: IncomingMessage): boolean {
  return /^\/health\/(?:live|ready)(?:\?|$)/.test(url);
}

/** `OPTIONS *` asks for what the server can do as a whole (RFC 9110, 9.3.7). */
export function isServerOptions({ method, url }: IncomingMessage): boolean {
  return method === "OPTIONS" && url === "*";
}
