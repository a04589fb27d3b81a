import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { Log } from "../../../application/ports/log.ts";
import type { HttpEnv } from "../environment.ts";
import { routeOf, type RequestObserver } from "./request-metrics.ts";
import type { UseCaseError } from "../problem/use-case-problems.ts";

/** Longer than any path of the API; a client may send 16 KiB. */
const MAX_PATH_LENGTH = 512;
const CONTENT_LENGTH = /^\d{1,15}$/;

/**
 * Logs one line for each request, with the failure or the exception behind its answer, without headers, query and body. Metrics
 * observe the same duration, and an admin sees it in the header Server-Timing.
 */
export function requestLog(log: Log, logsClientAddress: boolean, observe?: RequestObserver) {
  return createMiddleware<HttpEnv>(async (c, next) => {
    const startedAt = performance.now();
    await next();
    const elapsedMs = performance.now() - startedAt;
    observe?.({ method: c.req.method, route: routeOf(c), status: c.res.status, seconds: elapsedMs / 1000 });
    if (c.get("viewer")?.role === "admin") c.header("Server-Timing", `total;dur=${elapsedMs.toFixed(1)}`);
    const { path } = c.req;
    const fields = {
      requestId: c.get("requestId"),
      clientAddress: logsClientAddress ? c.get("clientAddress") : undefined,
      userId: c.get("viewer")?.userId,
      method: c.req.method,
      path: path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH)}…` : path,
      requestBytes: contentLength(c),
      status: c.res.status,
      code: c.get("problemCode"),
      bytes: c.req.method === "HEAD" ? 0 : c.get("bytes"),
      durationMs: Math.round(elapsedMs * 10) / 10,
      error: c.error,
      failure: c.get("failure"),
    };
    if (isCancelled(c.get("failure"))) log.info(fields, "request cancelled");
    else if (c.res.status >= 500) log.error(fields, "request failed");
    else log.info(fields, "request");
  });
}

/** Whether the client disconnected before the statement began. That is no failure of the server. */
function isCancelled(failure: UseCaseError | undefined): boolean {
  return failure?.kind === "storage_failure" && failure.reason === "cancelled";
}

/** The Content-Length of the request; a chunked body has none. */
function contentLength(c: Context): number | undefined {
  const length = c.req.header("Content-Length");
  return length !== undefined && CONTENT_LENGTH.test(length) ? Number(length) : undefined;
}
