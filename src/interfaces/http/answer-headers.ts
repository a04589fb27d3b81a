import { createMiddleware } from "hono/factory";
import { documented } from "./documented.ts";
import type { HttpEnv } from "./environment.ts";
import { SECURE_HEADERS } from "./headers.ts";

const ALWAYS = { ...SECURE_HEADERS, Vary: "Authorization, Accept-Encoding" };

/** Begins the headers of the answer; a route that knows better sets another policy, or another way to cache. */
export const answerHeaders = documented(
  createMiddleware<HttpEnv>(async (c, next) => {
    // What is shown depends on who asks, and may change at any time: a shared cache may keep what everybody is shown, if
    // it asks each time whether that is still so.
    const isPublic = c.req.header("Authorization") === undefined && /^(?:GET|HEAD)$/.test(c.req.method);
    const cacheControl = isPublic ? "public, no-cache" : "private, no-cache";
    c.set("headers", Object.assign({}, ALWAYS, { "Cache-Control": cacheControl }));
    await next();
  }),
  { responseHeaders: [...(Object.keys(ALWAYS) as (keyof typeof ALWAYS)[]), "Cache-Control"] },
);
