import { Hono } from "hono";
import * as z from "zod";
import { ROLES } from "../../../../domain/user/user.ts";
import type { HttpEnv } from "../../environment.ts";
import { idempotencyKey } from "../../middleware/idempotency.ts";
import { jsonBody, SMALL_BODY_BYTES } from "../../middleware/json-body.ts";
import { HASH } from "../../middleware/rate-costs.ts";
import { rejectQuery } from "../../middleware/validation.ts";
import { describeRoute } from "../../openapi/operation.ts";
import { createdResponse } from "../../resource-response.ts";
import { send } from "../../send.ts";
import { emailText, nameText, passwordText } from "../../values.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { EXAMPLES, GRACE, IDEMPOTENCY_PROBLEMS, PASSWORD_PROBLEMS } from "../examples.ts";
import { UserBody, userResource } from "./user-body.ts";

const NewUser = z.strictObject({
  name: nameText,
  email: emailText,
  password: passwordText,
  role: z.enum(ROLES).meta({ description: "Only admins may set it. The default is `author`." }).exactOptional(),
});

export const registerUserOperation = describeRoute(registerUserRoute, {
  id: "registerUser",
  tag: "Users",
  summary: "Register, or create a user as an admin",
  description:
    "Anybody may register as an author, unless the operator has closed registration (QUIRE_REGISTRATION). Admins may always " +
    "create users, and set their `role`. Log in afterwards to get a token.",
  request: { body: { name: GRACE.name, email: GRACE.email, password: EXAMPLES.password } },
  answers: {
    201: { description: "The new user.", headers: ["Location", "ETag"], body: UserBody, example: GRACE },
  },
  problems: [
    ...IDEMPOTENCY_PROBLEMS,
    "invalid_session",
    "registration_closed",
    "forbidden",
    "email_taken",
    "account_quota_exceeded",
    ...PASSWORD_PROBLEMS,
  ],
  usesStorage: true,
});

export function registerUserRoute({ useCases, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().post(
    "/",
    rejectQuery,
    jsonBody(NewUser, SMALL_BODY_BYTES),
    limits.passwords,
    limits.cost(HASH),
    idempotencyKey,
    async (c) =>
      send(c, useCases.registerUser(c.get("viewer"), c.req.valid("json"), c.get("idempotency")), (outcome) =>
        createdResponse(c, outcome, (user) => ({ location: `/v1/users/${user.id}`, ...userResource(user) })),
      ),
  );
}
