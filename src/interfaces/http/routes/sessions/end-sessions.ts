import { Hono } from "hono";
import type { HttpEnv } from "../../environment.ts";
import { requireActor } from "../../middleware/authentication.ts";
import { sessionId } from "../../middleware/path-id.ts";
import { WRITE } from "../../middleware/rate-costs.ts";
import { rejectQuery } from "../../middleware/validation.ts";
import { describeRoute } from "../../openapi/operation.ts";
import { noContent, send } from "../../send.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { EXAMPLES } from "../examples.ts";

export const logOutOperation = describeRoute(logOutRoute, {
  id: "logOut",
  tag: "Sessions",
  summary: "Log out",
  description: "Revokes the session of the token in the request.",
  request: {},
  answers: { 204: { description: "The session is revoked." } },
  problems: [],
  usesStorage: true,
});

export function logOutRoute({ useCases, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().delete("/", requireActor, rejectQuery, limits.cost(WRITE), async (c) =>
    send(c, useCases.logOut(c.get("actor")), () => noContent(c)),
  );
}

export const revokeSessionOperation = describeRoute(revokeSessionRoute, {
  id: "revokeSession",
  tag: "Sessions",
  summary: "Revoke one of your sessions",
  description: "Log out another device: its token is refused from now on.",
  request: { id: EXAMPLES.session },
  answers: { 204: { description: "The session is revoked." } },
  problems: ["session_not_found"],
  usesStorage: true,
});

export function revokeSessionRoute({ useCases, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().delete("/:id", requireActor, sessionId, rejectQuery, limits.cost(WRITE), async (c) =>
    send(c, useCases.revokeSession(c.get("actor"), c.req.valid("param").id), () => noContent(c)),
  );
}
