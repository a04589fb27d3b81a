import { createMiddleware } from "hono/factory";
import { documented } from "../openapi/documented.ts";
import type { HttpEnv } from "../environment.ts";
import { setHeader } from "../respond.ts";

const REQUEST_ID = /^[\w\-=]{1,64}$/;

/** The name that a client gives its request, where it has the form of one, or a new one. */
export function requestIdFrom(given: string | undefined): string {
  return given !== undefined && REQUEST_ID.test(given) ? given : crypto.randomUUID();
}

/** Gives the request its name in the log: the client's, or a new one. */
export const requestId = documented(
  createMiddleware<HttpEnv>(async (c, next) => {
    const id = requestIdFrom(c.req.header("X-Request-Id"));
    c.set("requestId", id);
    setHeader(c, "X-Request-Id", id);
    await next();
  }),
  { requestHeaders: { "X-Request-Id": "optional" }, responseHeaders: ["X-Request-Id"] },
);
