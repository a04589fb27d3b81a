import { Hono } from "hono";
import type { Session } from "../../../../domain/session/session.ts";
import type { HttpEnv } from "../../environment.ts";
import { requireActor } from "../../middleware/authentication.ts";
import { pageCost } from "../../middleware/rate-costs.ts";
import { validQuery } from "../../middleware/validation.ts";
import { BODIES } from "../../openapi/bodies.ts";
import { describeRoute } from "../../openapi/operation.ts";
import { pageBody, PageQuery, pageResponse } from "../../pagination.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { EXAMPLES, NOT_MODIFIED } from "../examples.ts";
import { presentSession, SessionBody } from "./session-body.ts";

const SessionPage = pageBody(SessionBody).register(BODIES, { id: "SessionPage" });

export const listSessionsOperation = describeRoute(listSessionsRoute, {
  id: "listSessions",
  tag: "Sessions",
  summary: "List your active sessions",
  description:
    "Newest first. A session is active from its log-in until it is revoked or has not been used for some weeks.",
  request: { query: {} },
  answers: {
    200: {
      description: "A page of sessions; `current` marks the session of this request.",
      headers: ["ETag", "Link"],
      body: SessionPage,
      example: {
        items: [
          {
            id: EXAMPLES.session,
            createdAt: EXAMPLES.at,
            lastUsedAt: EXAMPLES.at,
            expiresAt: EXAMPLES.expiresAt,
            current: true,
          },
        ],
        nextCursor: null,
        previousCursor: null,
      },
    },
    304: NOT_MODIFIED,
  },
  problems: ["precondition_failed"],
  usesStorage: true,
});

export function listSessionsRoute({ useCases, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().get(
    "/",
    requireActor,
    validQuery(PageQuery),
    limits.cost(pageCost(PageQuery)),
    async (c) => {
      const present = (session: Session) => presentSession(session, c.get("actor").sessionId);
      return pageResponse(c, {
        list: "sessions",
        query: c.req.valid("query"),
        find: async (request) => useCases.listSessions(c.get("actor"), request, c.get("signal")),
        present,
        state: present,
      });
    },
  );
}
