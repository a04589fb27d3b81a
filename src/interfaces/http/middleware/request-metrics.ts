import type { Context } from "hono";
import { matchedRoutes } from "hono/route";
import type { HttpEnv } from "../environment.ts";

/** Receives each answered request. */
export type RequestObserver = (request: {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}) => void;

/** The label of a request that no route answers. Its path would make a new time series for each wrong URL. */
const NO_ROUTE = "none";
const METHOD_OF_MIDDLEWARE = "ALL";

/** The pattern of the route that answers a request, such as `/v1/posts/:id`. */
export function routeOf(c: Context<HttpEnv>): string {
  const route = matchedRoutes(c).findLast(({ method }) => method !== METHOD_OF_MIDDLEWARE);
  return route?.path ?? NO_ROUTE;
}
