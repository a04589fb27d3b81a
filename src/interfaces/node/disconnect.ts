import type { HttpBindings } from "@hono/node-server";
import type { OnDisconnect } from "../http/middleware/time-limit.ts";

/**
 * Listens to the response, which closes when its connection does. The signal of a Request would be equivalent, but
 * @hono/node-server makes an AbortController for each request that reads it.
 */
export const onResponseClosed: OnDisconnect = (c, run) => {
  (c.env as HttpBindings).outgoing.once("close", run);
};
