import { Hono } from "hono";
import * as z from "zod";
import type { LoggedIn } from "../../../../application/sessions/logged-in.ts";
import type { HttpEnv } from "../../environment.ts";
import { idempotencyKey } from "../../middleware/idempotency.ts";
import { jsonBody, SMALL_BODY_BYTES } from "../../middleware/json-body.ts";
import { HASH } from "../../middleware/rate-costs.ts";
import { rejectQuery } from "../../middleware/validation.ts";
import { BODIES } from "../../openapi/bodies.ts";
import { describeRoute } from "../../openapi/operation.ts";
import { createdResponse } from "../../resource-response.ts";
import { send } from "../../send.ts";
import { IdBody, TimeBody } from "../../values.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { EXAMPLES, GRACE, IDEMPOTENCY_PROBLEMS, PASSWORD_PROBLEMS } from "../examples.ts";
import { presentUser, UserBody } from "../users/user-body.ts";

/** The only answer that has a token. */
const NewSessionBody = z
  .object({ id: IdBody, token: z.string(), expiresAt: TimeBody, user: UserBody })
  .register(BODIES, { id: "NewSession" });

/** The schema has no rules: a text that cannot be an address or a password gets the same answer as a wrong one. */
const Credentials = z.strictObject({ email: z.string(), password: z.string() });

export const logInOperation = describeRoute(logInRoute, {
  id: "logIn",
  tag: "Sessions",
  summary: "Log in",
  description: "The token is returned only once. Send it as `Authorization: Bearer <token>`.",
  // The same user as in the example of POST /v1/users: /docs can send one example after the other.
  request: { body: { email: GRACE.email, password: EXAMPLES.password } },
  answers: {
    201: {
      description: "The new session and its token.",
      headers: ["Location"],
      body: NewSessionBody,
      example: { id: EXAMPLES.session, token: EXAMPLES.token, expiresAt: EXAMPLES.expiresAt, user: GRACE },
    },
  },
  problems: [
    ...IDEMPOTENCY_PROBLEMS,
    "invalid_session",
    "invalid_credentials",
    "version_conflict",
    "account_quota_exceeded",
    ...PASSWORD_PROBLEMS,
  ],
  usesStorage: true,
});

export function logInRoute({ useCases, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().post(
    "/",
    rejectQuery,
    jsonBody(Credentials, SMALL_BODY_BYTES),
    limits.passwords,
    limits.logIn(Credentials),
    limits.cost(HASH),
    idempotencyKey,
    async (c) =>
      send(c, useCases.logIn(c.req.valid("json"), c.get("idempotency")), (outcome) =>
        createdResponse(c, outcome, newSession),
      ),
  );
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
