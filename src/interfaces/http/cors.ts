import { createMiddleware } from "hono/factory";
import type { HttpEnv } from "./environment.ts";
import { REQUEST_HEADERS, RESPONSE_HEADERS } from "./headers.ts";
import { appendHeader, respond, setHeader } from "./respond.ts";
import { ANY_ORIGIN } from "./settings.ts";

const SENT = ["Authorization", "Content-Type", ...Object.keys(REQUEST_HEADERS)].join(", ");
const READ = ["Allow", "Content-Encoding", ...Object.keys(RESPONSE_HEADERS)].join(", ");
/** No browser keeps the answer to a preflight for longer (Chromium, two hours). */
const MAX_AGE_SECONDS = "7200";

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
    await next();
    // Whatever OPTIONS is answered with: a page that may not ask is not told why, so it is told when it asks.
    c.res = respond(c, null, 204, {
      "Access-Control-Allow-Origin": allowed,
      "Access-Control-Allow-Methods": c.res.headers.get("Allow") ?? asked,
      "Access-Control-Allow-Headers": SENT,
      "Access-Control-Max-Age": MAX_AGE_SECONDS,
    });
  });
}
