import type { IncomingMessage } from "node:http";
import type { ProblemKind } from "../http/problem/problem.ts";

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

/**
 * Whether a part of the body has not arrived yet. Node sets `complete` shortly after the last byte, and for a request
 * without a body only after its handler has run.
 */
export function isBodyArriving(request: IncomingMessage): boolean {
  if (request.complete || !hasBody(request)) return false;
  const length = request.headers["content-length"];
  return length === undefined || request.readableLength < Number(length);
}

/** Why the framing of a request is invalid although Node's parser accepts it; `null` if it is valid. */
export function framingProblemOf(request: IncomingMessage): ProblemKind | null {
  const coding = request.headers["transfer-encoding"];
  if (!hasOneHost(request)) return "malformed_request";
  if (coding === undefined) return null;
  // RFC 9112, 6.1: HTTP/1.0 has no transfer codings, so the framing is faulty; an unknown coding is 501.
  if (request.httpVersion === "1.0") return "malformed_request";
  return coding.toLowerCase() === "chunked" ? null : "transfer_coding_unsupported";
}

/** RFC 9112, 3.2: exactly one Host header; only HTTP/1.0 may have none. Node would use the first of several. */
function hasOneHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  // Names and values alternate.
  const hosts = rawHeaders.filter((text, index) => index % 2 === 0 && /^host$/i.test(text)).length;
  return hosts === 1 || (hosts === 0 && httpVersion === "1.0");
}

/**
 * Whether this is a health check, which is answered under any load. The target must be exactly one of their paths: the app
 * resolves dot segments, so `/health/../v1/posts` is a list.
 */
export function isHealthCheck({ url = "" }: IncomingMessage): boolean {
  return /^\/health\/(?:live|ready)(?:\?|$)/.test(url);
}

/** `OPTIONS *` requests the capabilities of the whole server (RFC 9110, 9.3.7). */
export function isServerOptions({ method, url }: IncomingMessage): boolean {
  return method === "OPTIONS" && url === "*";
}
