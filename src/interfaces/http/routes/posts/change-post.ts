import { Hono } from "hono";
import * as z from "zod";
import type { HttpEnv } from "../../environment.ts";
import { requireIfMatch } from "../../etag.ts";
import { requireActor } from "../../middleware/authentication.ts";
import { patchBody, POST_BODY_BYTES } from "../../middleware/json-body.ts";
import { postId } from "../../middleware/path-id.ts";
import { WRITE } from "../../middleware/rate-costs.ts";
import { rejectQuery } from "../../middleware/validation.ts";
import { describeRoute } from "../../openapi/operation.ts";
import { changedResponse } from "../../resource-response.ts";
import { noContent, send, targetOf } from "../../send.ts";
import { contentText, titleText } from "../../values.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { EXAMPLES, PUBLISHED } from "../examples.ts";
import { PostBody, postResource, publicationTime } from "./post-body.ts";

const PostPatch = z.strictObject({
  title: titleText.exactOptional(),
  content: contentText.exactOptional(),
  publishedAt: publicationTime.exactOptional(),
});

export const updatePostOperation = describeRoute(updatePostRoute, {
  id: "updatePost",
  tag: "Posts",
  summary: "Update a post",
  description:
    "For its author and for admins. Only admins set `publishedAt`, and only of a published post. Fields that are left out do " +
    "not change.",
  request: { id: EXAMPLES.published, body: { title: "Hello again" } },
  answers: {
    200: {
      description: "The updated post.",
      headers: ["ETag"],
      body: PostBody,
      example: { ...PUBLISHED, title: "Hello again", version: 2 },
    },
  },
  problems: [
    "post_not_found",
    "forbidden",
    "content_required",
    "post_not_published",
    "publication_in_future",
    "account_quota_exceeded",
    "precondition_failed",
    "version_conflict",
  ],
  usesStorage: true,
});

export function updatePostRoute({ useCases, settings, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().patch(
    "/:id",
    requireActor,
    postId,
    requireIfMatch(settings),
    rejectQuery,
    limits.cost(WRITE),
    patchBody(PostPatch, POST_BODY_BYTES),
    async (c) => {
      const updated = useCases.updatePost(c.get("actor"), { ...targetOf(c), edits: c.req.valid("json") });
      return send(c, updated, (post) => changedResponse(c, postResource(post)));
    },
  );
}

export const deletePostOperation = describeRoute(deletePostRoute, {
  id: "deletePost",
  tag: "Posts",
  summary: "Delete a post",
  description: "For its author and for admins.",
  request: { id: EXAMPLES.published },
  answers: { 204: { description: "The post is deleted." } },
  problems: ["post_not_found", "forbidden", "precondition_failed", "version_conflict"],
  usesStorage: true,
});

export function deletePostRoute({ useCases, settings, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().delete(
    "/:id",
    requireActor,
    postId,
    requireIfMatch(settings),
    rejectQuery,
    limits.cost(WRITE),
    async (c) => send(c, useCases.deletePost(c.get("actor"), targetOf(c)), () => noContent(c)),
  );
}
