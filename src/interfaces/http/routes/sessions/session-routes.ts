import { Hono } from "hono";
import type { HttpEnv } from "../../environment.ts";
import { identify } from "../../middleware/authentication.ts";
import { setHeader } from "../../respond.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { logOutRoute, revokeSessionRoute } from "./end-sessions.ts";
import { listSessionsRoute } from "./list-sessions.ts";
import { logInRoute } from "./log-in.ts";

export function sessionRoutes(dependencies: RouteDependencies) {
  return new Hono<HttpEnv>()
    .use(async (c, next) => {
      setHeader(c, "Cache-Control", "no-store");
      await next();
    })
    .route("/", logInRoute(dependencies))
    .use(identify(dependencies.useCases))
    .use(dependencies.limits.account)
    .route("/", listSessionsRoute(dependencies))
    .route("/", logOutRoute(dependencies))
    .route("/", revokeSessionRoute(dependencies));
}
