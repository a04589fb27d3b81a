import { createMiddleware } from "hono/factory";
import { documented } from "./openapi/documented.ts";
import type { HttpEnv } from "./environment.ts";
import { SECURE_HEADERS } from "./openapi/headers.ts";
import { completeHeaders, startHeaders } from "./respond.ts";

// An answer depends on its viewer and may change at any time. A shared cache may store the answer for anonymous viewers, and must
// revalidate it each time.
const PUBLIC = { ...SECURE_HEADERS, Vary: "Authorization, Accept-Encoding", "Cache-Control": "public, no-cache" };
const PRIVATE = { ...PUBLIC, "Cache-Control": "private, no-cache" };

/** Sets the default headers of the answer. A route may override the policy and the caching. */
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
