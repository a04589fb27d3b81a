import { Hono } from "hono";
import type { UserProfile } from "../../../../domain/user/user-profile.ts";
import type { HttpEnv } from "../../environment.ts";
import { requireActor } from "../../middleware/authentication.ts";
import { userId } from "../../middleware/path-id.ts";
import { pageCost } from "../../middleware/rate-costs.ts";
import { rejectQuery, validQuery } from "../../middleware/validation.ts";
import { BODIES } from "../../openapi/bodies.ts";
import { describeRoute } from "../../openapi/operation.ts";
import { pageBody, PageQuery, pageResponse } from "../../pagination.ts";
import { resourceResponse } from "../../resource-response.ts";
import { send } from "../../send.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { ADA, EXAMPLES, NOT_MODIFIED } from "../examples.ts";
import { presentUser, UserBody, userResource } from "./user-body.ts";

const UserPage = pageBody(UserBody).register(BODIES, { id: "UserPage" });
const PUBLIC_ADA = { ...ADA, email: null, role: null };

export const listUsersOperation = describeRoute(listUsersRoute, {
  id: "listUsers",
  tag: "Users",
  summary: "List the authors, newest first",
  description:
    "The users who have a published post; admins see all users. `email` and `role` are null, except for yourself and for admins.",
  request: { query: {} },
  answers: {
    200: {
      description: "A page of users.",
      headers: ["ETag", "Link"],
      body: UserPage,
      example: { items: [PUBLIC_ADA], nextCursor: null, previousCursor: null },
    },
    304: NOT_MODIFIED,
  },
  problems: ["precondition_failed"],
  usesStorage: true,
});

export function listUsersRoute({ useCases, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().get("/", validQuery(PageQuery), limits.cost(pageCost(PageQuery)), async (c) =>
    pageResponse(c, {
      list: "users",
      query: c.req.valid("query"),
      find: async (request) => useCases.listUsers(c.get("viewer"), request, c.get("signal")),
      present: (user: UserProfile) => presentUser(user),
      state: ({ id, version, email }) => [id, version, email !== null],
    }),
  );
}

export const getOwnUserOperation = describeRoute(getOwnUserRoute, {
  id: "getOwnUser",
  tag: "Users",
  summary: "Get yourself",
  description: "The user of the session in the request.",
  request: {},
  answers: {
    200: { description: "Your user.", headers: ["ETag"], body: UserBody, example: ADA },
    304: NOT_MODIFIED,
  },
  problems: ["user_not_found", "precondition_failed"],
  usesStorage: true,
});

export function getOwnUserRoute({ useCases }: RouteDependencies) {
  return new Hono<HttpEnv>().get("/me", requireActor, rejectQuery, async (c) =>
    send(c, useCases.getUser(c.get("actor"), c.get("actor").userId, c.get("signal")), (user) =>
      resourceResponse(c, userResource(user)),
    ),
  );
}

export const getUserOperation = describeRoute(getUserRoute, {
  id: "getUser",
  tag: "Users",
  summary: "Get a user",
  description:
    "A user without a published post is visible only to that user and to admins. `email` and `role` are null, except for " +
    "yourself and for admins.",
  request: { id: EXAMPLES.ada },
  answers: {
    200: { description: "The user.", headers: ["ETag"], body: UserBody, example: PUBLIC_ADA },
    304: NOT_MODIFIED,
  },
  problems: ["user_not_found", "precondition_failed"],
  usesStorage: true,
});

export function getUserRoute({ useCases }: RouteDependencies) {
  return new Hono<HttpEnv>().get("/:id", userId, rejectQuery, async (c) =>
    send(c, useCases.getUser(c.get("viewer"), c.req.valid("param").id, c.get("signal")), (user) =>
      resourceResponse(c, userResource(user)),
    ),
  );
}
