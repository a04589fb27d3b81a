import { Hono } from "hono";
import * as z from "zod";
import type { HttpEnv } from "../../environment.ts";
import { requireActor } from "../../middleware/authentication.ts";
import { jsonBody, SMALL_BODY_BYTES } from "../../middleware/json-body.ts";
import { userId } from "../../middleware/path-id.ts";
import { HASH } from "../../middleware/rate-costs.ts";
import { rejectQuery } from "../../middleware/validation.ts";
import { describeRoute } from "../../openapi/operation.ts";
import { noContent, send, targetOf } from "../../send.ts";
import { passwordText } from "../../values.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { EXAMPLES, PASSWORD_PROBLEMS } from "../examples.ts";
import { CURRENT_PASSWORD } from "./user-body.ts";

const PasswordChange = z.strictObject({
  currentPassword: CURRENT_PASSWORD.meta({
    description: "Required from users who change their own password.",
  }).exactOptional(),
  newPassword: passwordText,
});

export const changePasswordOperation = describeRoute(changePasswordRoute, {
  id: "changePassword",
  tag: "Users",
  summary: "Change a password",
  description:
    "For the user, who sends the current password, and for admins, who need none for other users. It revokes the user's " +
    "other sessions.",
  request: {
    id: EXAMPLES.ada,
    body: { currentPassword: EXAMPLES.password, newPassword: "another horse entirely" },
  },
  answers: { 204: { description: "The password is changed." } },
  problems: [
    "user_not_found",
    "forbidden",
    "wrong_password",
    "current_password_required",
    "email_taken",
    "last_admin",
    "precondition_failed",
    "version_conflict",
    ...PASSWORD_PROBLEMS,
  ],
  usesStorage: true,
});

export function changePasswordRoute({ useCases, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().put(
    "/:id/password",
    requireActor,
    userId,
    rejectQuery,
    jsonBody(PasswordChange, SMALL_BODY_BYTES),
    limits.passwords,
    limits.reauthentication(PasswordChange, ({ currentPassword }) => currentPassword !== undefined),
    limits.cost(HASH),
    async (c) => {
      const changed = useCases.changePassword(c.get("actor"), { ...targetOf(c), ...c.req.valid("json") });
      return send(c, changed, () => noContent(c));
    },
  );
}
