import { Hono } from "hono";
import type { HttpEnv } from "../../environment.ts";
import { requireActor } from "../../middleware/authentication.ts";
import { idempotencyKey } from "../../middleware/idempotency.ts";
import { rejectBody } from "../../middleware/json-body.ts";
import { postId } from "../../middleware/path-id.ts";
import { WRITE } from "../../middleware/rate-costs.ts";
import { rejectQuery } from "../../middleware/validation.ts";
import { describeRoute } from "../../openapi/operation.ts";
import { actionResponse } from "../../resource-response.ts";
import { send, targetOf } from "../../send.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { DRAFT, EXAMPLES, IDEMPOTENCY_PROBLEMS, PUBLISHED } from "../examples.ts";
import { PostBody, postResource } from "./post-body.ts";

export const publishPostOperation = describeRoute(publishPostRoute, {
  id: "publishPost",
  tag: "Posts",
  summary: "Publish a draft",
  description: "For its author and for admins. The content needs at least one visible character.",
  request: { id: EXAMPLES.draft },
  answers: {
    200: {
      description: "The published post.",
      headers: ["ETag"],
      body: PostBody,
      example: { ...DRAFT, status: "published", publishedAt: EXAMPLES.at, version: 2 },
    },
  },
  problems: [
    ...IDEMPOTENCY_PROBLEMS,
    "invalid_session",
    "post_not_found",
    "forbidden",
    "post_already_published",
    "content_required",
    "account_quota_exceeded",
    "precondition_failed",
    "version_conflict",
  ],
  usesStorage: true,
});

export function publishPostRoute({ useCases, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().post(
    "/:id/publish",
    requireActor,
    postId,
    rejectQuery,
    limits.cost(WRITE),
    rejectBody,
    idempotencyKey,
    async (c) =>
      send(c, useCases.publishPost(c.get("actor"), targetOf(c), c.get("idempotency")), (outcome) =>
        actionResponse(c, outcome, postResource),
      ),
  );
}

export const unpublishPostOperation = describeRoute(unpublishPostRoute, {
  id: "unpublishPost",
  tag: "Posts",
  summary: "Unpublish a post",
  description: "For its author and for admins. Publishing the post again gives it a new time of publication.",
  request: { id: EXAMPLES.published },
  answers: {
    200: {
      description: "The post, which is a draft again.",
      headers: ["ETag"],
      body: PostBody,
      example: { ...PUBLISHED, status: "draft", publishedAt: null, version: 2 },
    },
  },
  problems: [
    ...IDEMPOTENCY_PROBLEMS,
    "invalid_session",
    "post_not_found",
    "forbidden",
    "post_not_published",
    "account_quota_exceeded",
    "precondition_failed",
    "version_conflict",
  ],
  usesStorage: true,
});

export function unpublishPostRoute({ useCases, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().post(
    "/:id/unpublish",
    requireActor,
    postId,
    rejectQuery,
    limits.cost(WRITE),
    rejectBody,
    idempotencyKey,
    async (c) =>
      send(c, useCases.unpublishPost(c.get("actor"), targetOf(c), c.get("idempotency")), (outcome) =>
        actionResponse(c, outcome, postResource),
      ),
  );
}
