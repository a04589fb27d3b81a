import { Hono } from "hono";
import { z } from "zod";
import type { LoggedIn } from "../../../application/sessions/logged-in.ts";
import type { UseCases } from "../../../application/application.ts";
import type { SessionId } from "../../../domain/shared/id.ts";
import type { Session } from "../../../domain/session/session.ts";
import { identify, requireActor } from "../middleware/authentication.ts";
import type { HttpEnv } from "../environment.ts";
import { idempotencyKey } from "../middleware/idempotency.ts";
import { jsonBody, SMALL_BODY_BYTES } from "../middleware/json-body.ts";
import { PageQuery, pageResponse } from "../pagination.ts";
import { sessionId } from "../path-id.ts";
import { failureProblem } from "../problem.ts";
import { createdResponse } from "../resource-response.ts";
import { respond, setHeader } from "../respond.ts";
import { presentUser, UserBody } from "./users.ts";
import { HASH, PAGE, WRITE } from "../middleware/rate-costs.ts";
import type { RateLimits } from "../middleware/rate-limits.ts";
import { rejectQuery, validBody, validQuery } from "../middleware/validation.ts";
import { IdBody, TimeBody } from "../values.ts";

export const SessionBody = z.object({
  id: IdBody,
  createdAt: TimeBody,
  lastUsedAt: TimeBody,
  expiresAt: TimeBody,
  current: z.boolean(),
});

/** The only answer that shows a token. */
export const NewSessionBody = z.object({
  id: IdBody,
  token: z.string(),
  expiresAt: TimeBody,
  user: UserBody,
});

/** No rules here: what cannot be anybody's address or password gets the answer that a wrong one gets. */
const Credentials = z.strictObject({ email: z.string(), password: z.string() });

export function sessionRoutes(useCases: UseCases, limits: RateLimits) {
  return new Hono<HttpEnv>()
    .use(async (c, next) => {
      setHeader(c, "Cache-Control", "no-store");
      await next();
    })
    .post(
      "/",
      rejectQuery,
      jsonBody(SMALL_BODY_BYTES),
      validBody(Credentials),
      limits.passwords,
      limits.logIn,
      limits.cost(HASH),
      idempotencyKey,
      async (c) => {
        const loggedIn = await useCases.logIn(c.req.valid("json"), c.get("idempotency"));
        return loggedIn.match(
          (outcome) => createdResponse(c, outcome, newSession),
          (failure) => failureProblem(c, failure),
        );
      },
    )
    .use(identify(useCases))
    .use(limits.account)
    .get("/", requireActor, validQuery(PageQuery), limits.cost(PAGE), async (c) =>
      pageResponse(c, {
        list: "sessions",
        query: c.req.valid("query"),
        find: async (request) => useCases.listSessions(c.get("actor"), request, c.get("signal")),
        present: (session: Session) => presentSession(session, c.get("actor").sessionId),
        state: (session: Session) => presentSession(session, c.get("actor").sessionId),
      }),
    )
    .delete("/", requireActor, rejectQuery, limits.cost(WRITE), async (c) => {
      const loggedOut = await useCases.logOut(c.get("actor"));
      return loggedOut.match(
        () => respond(c, null, 204),
        (failure) => failureProblem(c, failure),
      );
    })
    .delete("/:id", requireActor, sessionId, rejectQuery, limits.cost(WRITE), async (c) => {
      const revoked = await useCases.revokeSession(c.get("actor"), c.req.valid("param").id);
      return revoked.match(
        () => respond(c, null, 204),
        (failure) => failureProblem(c, failure),
      );
    });
}

function presentSession(session: Session, current: SessionId): z.infer<typeof SessionBody> {
  return {
    id: session.id,
    createdAt: session.createdAt.toISOString(),
    lastUsedAt: session.lastUsedAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
    current: session.id === current,
  };
}

function newSession({ id, token, expiresAt, user }: LoggedIn) {
  const body: z.infer<typeof NewSessionBody> = {
    id,
    token,
    expiresAt: expiresAt.toISOString(),
    user: presentUser(user),
  };
  return { location: `/v1/sessions/${id}`, body };
}
