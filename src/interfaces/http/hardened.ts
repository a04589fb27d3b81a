import { createMiddleware } from "hono/factory";
import { documented } from "./documented.ts";
import type { HttpEnv } from "./environment.ts";
import { SECURE_HEADERS } from "./headers.ts";

/** Sets them before there is an answer, so that a route that does answer with a page sets a policy of its own. */
export const hardened = documented(
  createMiddleware<HttpEnv>(async (c, next) => {
    for (const [name, value] of Object.entries(SECURE_HEADERS)) c.header(name, value);
    await next();
  }),
  { responseHeaders: Object.keys(SECURE_HEADERS) as (keyof typeof SECURE_HEADERS)[] },
);
