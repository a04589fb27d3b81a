import { createMiddleware } from "hono/factory";
import { documented } from "./openapi/documented.ts";
import type { HttpEnv } from "./environment.ts";
import { SECURE_HEADERS } from "./openapi/headers.ts";
import { completeHeaders, startHeaders } from "./respond.ts";

// What is shown depends on who asks, and may change at any time: a shared cache may keep what everybody is shown, if it asks
// each time whether that is still so.
const PUBLIC = { ...SECURE_HEADERS, Vary: "Authorization, Accept-Encoding", "Cache-Control": "public, no-cache" };
const PRIVATE = { ...PUBLIC, "Cache-Control": "private, no-cache" };

/** Begins the headers of the answer; a route that knows better sets another policy, or another way to cache. */
export function answerHeaders(basePath: string) {
  const middleware = createMiddleware<HttpEnv>(async (c, next) => {
    const isPublic = c.req.header("Authorization") === undefined && /^(?:GET|HEAD)$/.test(c.req.method);
    startHeaders(c, isPublic ? PUBLIC : PRIVATE);
    c.set("basePath", basePath);
    await next();
    completeHeaders(c);
  });
  return documented(middleware, { responseHeaders: ["Vary", "Cache-Control"] });
}
