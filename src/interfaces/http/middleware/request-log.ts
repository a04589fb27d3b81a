import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { Log } from "../../../application/ports/log.ts";
import type { HttpEnv } from "../environment.ts";
import type { ClientAddress } from "./rate-limits.ts";

/** Longer than any path that there is; a client may send 16 KiB. */
const MAX_PATH_LENGTH = 512;
const CONTENT_LENGTH = /^\d{1,15}$/;

/**
 * One line for each request, with the failure or the crash behind its answer. No header, query or body is in it.
 *
 * @param clientAddress Where a request comes from; `null` when that is not to be in the log.
 */
export function requestLog(log: Log, clientAddress: ClientAddress | null) {
  return createMiddleware<HttpEnv>(async (c, next) => {
    const startedAt = performance.now();
    // Once it is answered the connection may be gone, and with it the address.
    const address = clientAddress?.(c);
    await next();
    const { path } = c.req;
    const fields = {
      requestId: c.get("requestId"),
      clientAddress: address,
      userId: c.get("viewer")?.userId,
      method: c.req.method,
      path: path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH)}…` : path,
      requestBytes: announcedBytes(c),
      status: c.res.status,
      code: c.get("problemCode"),
      bytes: c.req.method === "HEAD" ? 0 : c.get("bytes"),
      durationMs: Math.round((performance.now() - startedAt) * 10) / 10,
      error: c.error,
      failure: c.get("failure"),
    };
    if (c.res.status >= 500) log.error(fields, "request failed");
    else log.info(fields, "request");
  });
}

/** The length of the body that the request announces; one that is sent in chunks announces none. */
function announcedBytes(c: Context): number | undefined {
  const length = c.req.header("Content-Length");
  return length !== undefined && CONTENT_LENGTH.test(length) ? Number(length) : undefined;
}
