import { createMiddleware } from "hono/factory";
import { documented } from "./documented.ts";
import type { HttpEnv } from "./environment.ts";
import { setHeader } from "./respond.ts";

const REQUEST_ID = /^[\w\-=]{1,64}$/;

/** Gives the request its name in the log: the client's, or a new one. */
export const requestId = documented(
  createMiddleware<HttpEnv>(async (c, next) => {
    const given = c.req.header("X-Request-Id");
    const id = given !== undefined && REQUEST_ID.test(given) ? given : crypto.randomUUID();
    c.set("requestId", id);
    setHeader(c, "X-Request-Id", id);
    await next();
  }),
  { requestHeaders: { "X-Request-Id": "optional" }, responseHeaders: ["X-Request-Id"] },
);
