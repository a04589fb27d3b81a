import { Hono } from "hono";
import * as z from "zod";
import { ROLES } from "../../../../domain/user/user.ts";
import type { HttpEnv } from "../../environment.ts";
import { requireActor } from "../../middleware/authentication.ts";
import { patchBody, SMALL_BODY_BYTES } from "../../middleware/json-body.ts";
import { userId } from "../../middleware/path-id.ts";
import { WRITE } from "../../middleware/rate-costs.ts";
import { rejectQuery } from "../../middleware/validation.ts";
import { describeRoute } from "../../openapi/operation.ts";
import { changedResponse } from "../../resource-response.ts";
import { send, targetOf } from "../../send.ts";
import { emailText, nameText } from "../../values.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { ADA, EXAMPLES, PASSWORD_PROBLEMS } from "../examples.ts";
import { CURRENT_PASSWORD, UserBody, userResource } from "./user-body.ts";

const UserPatch = z.strictObject({
  name: nameText.exactOptional(),
  email: emailText.exactOptional(),
  role: z.enum(ROLES).exactOptional(),
  currentPassword: CURRENT_PASSWORD.meta({
    description: "Required from users who change their own address.",
  }).exactOptional(),
});

export const updateUserOperation = describeRoute(updateUserRoute, {
  id: "updateUser",
  tag: "Users",
  summary: "Update a user",
  description:
    "For the user and for admins. Only admins set `role`. Users who change their own `email` send `currentPassword` too. A " +
    "changed `email` revokes the user's other sessions. Fields that are left out do not change.",
  request: { id: EXAMPLES.ada, body: { name: "Ada Lovelace" } },
  answers: {
    200: {
      description: "The updated user.",
      headers: ["ETag"],
      body: UserBody,
      example: { ...ADA, name: "Ada Lovelace", version: 2 },
    },
  },
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

export function updateUserRoute({ useCases, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().patch(
    "/:id",
    requireActor,
    userId,
    rejectQuery,
    limits.cost(WRITE),
    patchBody(UserPatch, SMALL_BODY_BYTES),
    limits.reauthentication(UserPatch, ({ email, currentPassword }) => (email ?? currentPassword) !== undefined),
    async (c) => {
      const { currentPassword, ...changes } = c.req.valid("json");
      const proof = currentPassword === undefined ? {} : { currentPassword };
      const updated = useCases.updateUser(c.get("actor"), { ...targetOf(c), changes, ...proof });
      return send(c, updated, (user) => changedResponse(c, userResource(user)));
    },
  );
}
