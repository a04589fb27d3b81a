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

/** Libraries for tracing add three or four. So many names of this length are 2 KiB of an answer. */
const MAX_ASKED_HEADERS = 32;
const MAX_HEADER_NAME_LENGTH = 64;
/** A field name (RFC 9110, 5.1), as browsers write it here (https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names). */
const FIELD_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/**
 * By these proxies tell where a request comes from, or ask for another method or path than the request has: a page has
 * nothing to say there, so that a visitor's browser is not made to say it. Cookies and credentials of a proxy a browser
 * sends by itself or not at all.
 */
const FOR_PROXIES =
  /^(?:forwarded|via|x-forwarded-.*|x-real-ip|true-client-ip|cf-.*|x-original-.*|x-rewrite-.*|x-http-method.*|x-method-override|proxy-.*|sec-.*|cookie2?|host)$/;

/**
 * The headers that a page may send: those that the API reads, and those that the page asks for besides, as libraries for
 * tracing add theirs (`traceparent`, `baggage`, `sentry-trace`) to every request and none would be sent without. The API
 * reads no others, so they do nothing here.
 */
function allowedHeaders(asked: string | undefined): string {
  const names = (asked ?? "").split(",", MAX_ASKED_HEADERS).map((name) => name.trim().toLowerCase());
  return [...SENT, ...new Set(names.filter((name) => isSafe(name) && !SENT_NAMES.has(name)))].join(", ");
}

function isSafe(name: string): boolean {
  return name.length <= MAX_HEADER_NAME_LENGTH && FIELD_NAME.test(name) && !FOR_PROXIES.test(name);
}

/**
 * Lets pages of these origins read every answer, errors included (https://fetch.spec.whatwg.org/#http-cors-protocol). A
 * page sends its token itself, so credentials are not spoken of.
 *
 * Hono's own takes every OPTIONS for a preflight, allows each path all methods, and opens a response before there is one,
 * which costs each answer a copy.
 */
export function cors(origins: readonly string[]) {
  const takesAny = origins.includes(ANY_ORIGIN);
  return createMiddleware<HttpEnv>(async (c, next) => {
    if (!takesAny && origins.length > 0) appendHeader(c, "Vary", "Origin");
    const origin = c.req.header("Origin");
    if (origin === undefined || !(takesAny || origins.includes(origin))) return next();
    const allowed = takesAny ? ANY_ORIGIN : origin;
    const asked = c.req.method === "OPTIONS" ? c.req.header("Access-Control-Request-Method") : undefined;
    if (asked === undefined) {
      setHeader(c, "Access-Control-Allow-Origin", allowed);
      setHeader(c, "Access-Control-Expose-Headers", READ);
      return next();
    }
    appendHeader(c, "Vary", "Access-Control-Request-Method, Access-Control-Request-Headers");
    await next();
    // Whatever OPTIONS is answered with: a page that may not ask is not told why, so it is told when it asks.
    c.res = respond(c, null, 204, {
      "Access-Control-Allow-Origin": allowed,
      "Access-Control-Allow-Methods": c.res.headers.get("Allow") ?? asked,
      "Access-Control-Allow-Headers": allowedHeaders(c.req.header("Access-Control-Request-Headers")),
      "Access-Control-Max-Age": MAX_AGE_SECONDS,
    });
  });
}
