import { createMiddleware } from "hono/factory";
import { documented } from "../openapi/documented.ts";
import type { HttpEnv } from "../environment.ts";
import { setHeader } from "../respond.ts";

const REQUEST_ID = /^[\w\-=]{1,64}$/;

/** The id that the client sent, if it is well-formed, or a new one. */
export function requestIdFrom(given: string | undefined): string {
  return given !== undefined && REQUEST_ID.test(given) ? given : crypto.randomUUID();
}

/**
 * Sets the id of the request for the log and the answer.
 *
 * Hono's request-id middleware sets the header on Hono's own response, and the answers here are made by `respond`.
 */
export const requestId = documented(
  createMiddleware<HttpEnv>(async (c, next) => {
    const id = requestIdFrom(c.req.header("X-Request-Id"));
    c.set("requestId", id);
    setHeader(c, "X-Request-Id", id);
    await next();
  }),
  { requestHeaders: { "X-Request-Id": "optional" }, responseHeaders: ["X-Request-Id"] },
);
