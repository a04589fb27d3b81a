import type { HttpBindings } from "@hono/node-server";
import type { OnDisconnect } from "../http/middleware/time-limit.ts";

/**
 * By the response, which closes when its connection does. The signal of a Request would tell the same, but
 * @hono/node-server makes an AbortController for each request that asks for it.
 */
export const onResponseClosed: OnDisconnect = (c, run) => {
  (c.env as HttpBindings).outgoing.once("close", run);
};
