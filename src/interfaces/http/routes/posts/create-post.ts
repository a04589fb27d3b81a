import { Hono } from "hono";
import * as z from "zod";
import { POST_STATUSES } from "../../../../domain/post/post.ts";
import type { HttpEnv } from "../../environment.ts";
import { requireActor } from "../../middleware/authentication.ts";
import { idempotencyKey } from "../../middleware/idempotency.ts";
import { jsonBody, POST_BODY_BYTES } from "../../middleware/json-body.ts";
import { WRITE } from "../../middleware/rate-costs.ts";
import { rejectQuery } from "../../middleware/validation.ts";
import { describeRoute } from "../../openapi/operation.ts";
import { createdResponse } from "../../resource-response.ts";
import { send } from "../../send.ts";
import { contentText, titleText } from "../../values.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { DRAFT, IDEMPOTENCY_PROBLEMS } from "../examples.ts";
import { PostBody, postResource, publicationTime } from "./post-body.ts";

const NewPost = z
  .strictObject({
    title: titleText,
    content: contentText,
    status: z.enum(POST_STATUSES).default("draft"),
    publishedAt: publicationTime.exactOptional(),
  })
  .superRefine(({ status, publishedAt }, context) => {
    if (publishedAt === undefined || status === "published") return;
    const message = "A draft has no time of publication. Leave this out, or set status to published.";
    context.addIssue({ code: "custom", path: ["publishedAt"], message, params: { code: "contradictory" } });
  });

export const createPostOperation = describeRoute(createPostRoute, {
  id: "createPost",
  tag: "Posts",
  summary: "Create a post",
  description:
    "`status` is `draft` by default, or `published`. Admins may set `publishedAt` to import published posts.",
  request: { body: { title: DRAFT.title, content: DRAFT.content } },
  answers: {
    201: { description: "The new post.", headers: ["Location", "ETag"], body: PostBody, example: DRAFT },
  },
  problems: [
    ...IDEMPOTENCY_PROBLEMS,
    "invalid_session",
    "forbidden",
    "content_required",
    "publication_in_future",
    "account_quota_exceeded",
  ],
  usesStorage: true,
});

export function createPostRoute({ useCases, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().post(
    "/",
    requireActor,
    rejectQuery,
    limits.cost(WRITE),
    jsonBody(NewPost, POST_BODY_BYTES),
    idempotencyKey,
    async (c) =>
      send(c, useCases.createPost(c.get("actor"), c.req.valid("json"), c.get("idempotency")), (outcome) =>
        createdResponse(c, outcome, (post) => ({ location: `/v1/posts/${post.id}`, ...postResource(post) })),
      ),
  );
}
