import { Hono } from "hono";
import type * as z from "zod";
import type { Authors } from "../../../../application/posts/find-authors.ts";
import type { Post } from "../../../../domain/post/post.ts";
import type { HttpEnv } from "../../environment.ts";
import { authorRepresentation } from "../../etag.ts";
import { jsonText, type JsonText } from "../../json-text.ts";
import { postId } from "../../middleware/path-id.ts";
import { validQuery } from "../../middleware/validation.ts";
import { describeRoute } from "../../openapi/operation.ts";
import { failureProblem } from "../../problem/problem.ts";
import { renderedResponse, resourceResponse } from "../../resource-response.ts";
import { send } from "../../send.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { ADA, EXAMPLES, NOT_MODIFIED, PUBLISHED } from "../examples.ts";
import { postJson, PostViewBody, presentListedPost } from "./post-body.ts";
import { SinglePostQuery } from "./post-query.ts";

export const getPostOperation = describeRoute(getPostRoute, {
  id: "getPost",
  tag: "Posts",
  summary: "Get a post",
  description:
    "A draft is visible only to its author and to admins; others get 404. With `fields` the answer has only these " +
    "fields and `id`; with `include=author` it has the author too.",
  request: { id: EXAMPLES.published, query: { include: "author" } },
  answers: {
    200: {
      description: "The post.",
      headers: ["ETag"],
      body: PostViewBody,
      example: { ...PUBLISHED, author: { id: ADA.id, name: ADA.name } },
    },
    304: NOT_MODIFIED,
  },
  problems: ["post_not_found", "precondition_failed"],
  usesStorage: true,
});

export function getPostRoute({ useCases }: RouteDependencies) {
  return new Hono<HttpEnv>().get("/:id", postId, validQuery(SinglePostQuery), async (c) => {
    const query = c.req.valid("query");
    const signal = c.get("signal");
    const found = await useCases.getPost(c.get("viewer"), c.req.valid("param").id, signal);
    if (found.isErr()) return failureProblem(c, found.error);
    if (query.include === undefined) {
      const render = (): JsonText<PostView> =>
        query.fields === undefined ? postJson(found.value) : jsonText(presentListedPost(found.value, query, null));
      return renderedResponse(c, found.value, render);
    }
    return send(c, useCases.findAuthors([found.value], signal), (authors) =>
      resourceResponse(c, authoredPostView(found.value, query, authors)),
    );
  });
}

type PostView = z.infer<typeof PostViewBody>;

/** With its author, a post has another ETag: the author's name may change while the post does not. */
function authoredPostView(post: Post, query: z.infer<typeof SinglePostQuery>, authors: Authors) {
  const body: PostView = presentListedPost(post, query, authors);
  return { version: post.version, representation: authorRepresentation(body.author), body };
}
