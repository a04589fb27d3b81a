import { createMiddleware } from "hono/factory";
import type { HttpEnv } from "../environment.ts";
import { REQUEST_HEADERS, RESPONSE_HEADERS } from "../openapi/headers.ts";
import { appendHeader, respond, setHeader } from "../respond.ts";
import { ANY_ORIGIN } from "../settings.ts";

const SENT = ["Authorization", "Content-Type", ...Object.keys(REQUEST_HEADERS)];
const SENT_NAMES = new Set(SENT.map((name) => name.toLowerCase()));
const READ = ["Allow", "Content-Encoding", ...Object.keys(RESPONSE_HEADERS)].join(", ");
/** No browser keeps the answer to a preflight for longer (Chromium, two hours). */
const MAX_AGE_SECONDS = "7200";

/** Tracing libraries add three or four. This many names of the maximum length are 2 KiB of an answer. */
const MAX_REQUESTED_HEADERS = 32;
const MAX_HEADER_NAME_LENGTH = 64;
/** A field name (RFC 9110, 5.1), as browsers write it here (https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names). */
const FIELD_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/**
 * Proxies set these headers to name the origin, the method or the path of a request. A page may not set them through the browser
 * of its visitor. Browsers send cookies and proxy credentials themselves, or not at all.
 */
const FOR_PROXIES =
  /^(?:forwarded|via|x-forwarded-.*|x-real-ip|true-client-ip|cf-.*|x-original-.*|x-rewrite-.*|x-http-method.*|x-method-override|proxy-.*|sec-.*|cookie2?|host)$/;

/**
 * The headers that a page may send: those that the API reads, and any others that the page requests. Tracing libraries add theirs
 * (`traceparent`, `baggage`, `sentry-trace`) to every request, and a refusal would block the request. The API ignores them.
 */
function allowedHeaders(requested: string | undefined): string {
  const names = (requested ?? "").split(",", MAX_REQUESTED_HEADERS).map((name) => name.trim().toLowerCase());
  return [...SENT, ...new Set(names.filter((name) => isSafe(name) && !SENT_NAMES.has(name)))].join(", ");
}

function isSafe(name: string): boolean {
  return name.length <= MAX_HEADER_NAME_LENGTH && FIELD_NAME.test(name) && !FOR_PROXIES.test(name);
}

/**
 * Lets pages of these origins read every answer, errors included (https://fetch.spec.whatwg.org/#http-cors-protocol). A
 * page sends its token in a header, so no credentials mode is needed.
 *
 * Hono's cors middleware treats every OPTIONS as a preflight, allows all methods on each path, and creates the response early,
 * which costs a copy of each answer.
 */
export function cors(origins: readonly string[]) {
  const allowsAny = origins.includes(ANY_ORIGIN);
  return createMiddleware<HttpEnv>(async (c, next) => {
    if (!allowsAny && origins.length > 0) appendHeader(c, "Vary", "Origin");
    const origin = c.req.header("Origin");
    if (origin === undefined || !(allowsAny || origins.includes(origin))) return next();
    const allowed = allowsAny ? ANY_ORIGIN : origin;
    const requestedMethod = c.req.method === "OPTIONS" ? c.req.header("Access-Control-Request-Method") : undefined;
    if (requestedMethod === undefined) {
      setHeader(c, "Access-Control-Allow-Origin", allowed);
      setHeader(c, "Access-Control-Expose-Headers", READ);
      return next();
    }
    appendHeader(c, "Vary", "Access-Control-Request-Method, Access-Control-Request-Headers");
    await next();
    // A page cannot read why a preflight failed. So every preflight succeeds, and the request itself gets the error.
    c.res = respond(c, null, 204, {
      "Access-Control-Allow-Origin": allowed,
      "Access-Control-Allow-Methods": c.res.headers.get("Allow") ?? requestedMethod,
      "Access-Control-Allow-Headers": allowedHeaders(c.req.header("Access-Control-Request-Headers")),
      "Access-Control-Max-Age": MAX_AGE_SECONDS,
    });
  });
}
