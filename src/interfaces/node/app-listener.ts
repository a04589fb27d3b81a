import type { IncomingMessage, ServerResponse } from "node:http";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import type { Log } from "../../application/ports/log.ts";
import { problemParts } from "../http/problem/problem.ts";

export type Fetch = (request: Request, bindings: HttpBindings) => Response | Promise<Response>;

/** Lets the app respond. Resolves to `false` if the request has no valid URL, so that the app cannot be called. */
export type AppListener = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

/** Converts Node's request to a Request, and writes the Response of the app. */
export function appListener(fetch: Fetch, host: string, log: Log): AppListener {
  const fetchOrFail = async (request: Request, bindings: unknown): Promise<Response> => {
    try {
      return await fetch(request, bindings as HttpBindings);
    } catch (error) {
      const requestId = crypto.randomUUID();
      log.error({ requestId, error }, "request failed outside the app");
      const { status, headers, body } = problemParts("internal_error", requestId);
      return new Response(body, { status, headers: { ...headers, "X-Request-Id": requestId } });
    }
  };
  const listener = getRequestListener(fetchOrFail, {
    hostname: host,
    // It would abort an upload half a second after an early response.
    autoCleanupIncoming: false,
    // It is called for invalid URLs only, and nothing is written then.
    errorHandler: () => {},
  });
  return async (request, response) => {
    await listener(request, response);
    return response.headersSent;
  };
}
