import { createMiddleware } from "hono/factory";
import type { Log } from "../../application/ports/log.ts";
import type { HttpEnv } from "./environment.ts";

/** One line for each request, with the failure or the crash behind its answer. No header, query or body is in it. */
export function requestLog(log: Log) {
  return createMiddleware<HttpEnv>(async (c, next) => {
    const startedAt = performance.now();
    await next();
    const fields = {
      requestId: c.get("requestId"),
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      durationMs: Math.round((performance.now() - startedAt) * 10) / 10,
      ...(c.error === undefined ? {} : { error: c.error }),
      ...(c.get("failure") === undefined ? {} : { failure: c.get("failure") }),
    };
    if (c.res.status >= 500) log.error(fields, "request failed");
    else log.info(fields, "request");
  });
}
