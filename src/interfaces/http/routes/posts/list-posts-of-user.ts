import { Hono } from "hono";
import { isSortKey } from "../../../../domain/post/post-list.ts";
import type { HttpEnv } from "../../environment.ts";
import { userId } from "../../middleware/path-id.ts";
import { postPageCost } from "../../middleware/rate-costs.ts";
import { validQuery } from "../../middleware/validation.ts";
import { describeRoute } from "../../openapi/operation.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { EXAMPLES, NOT_MODIFIED, PUBLISHED } from "../examples.ts";
import { PostPage, postPageResponse } from "./post-page.ts";
import { AuthorsPostsQuery, postListName, toListQuery } from "./post-query.ts";

export const listPostsOfUserOperation = describeRoute(listPostsOfUserRoute, {
  id: "listPostsOfUser",
  tag: "Posts",
  summary: "List an author's posts",
  description: "The posts of this author that you may see.",
  request: { id: EXAMPLES.ada, query: { sort: "-updated", fields: "title,updatedAt", count: "true" } },
  answers: {
    200: {
      description: "A page of posts.",
      headers: ["ETag", "Link"],
      body: PostPage,
      example: {
        items: [{ id: PUBLISHED.id, title: PUBLISHED.title, updatedAt: PUBLISHED.updatedAt }],
        nextCursor: null,
        previousCursor: null,
        total: 1,
      },
    },
    304: NOT_MODIFIED,
  },
  problems: ["user_not_found", "precondition_failed"],
  usesStorage: true,
});

export function listPostsOfUserRoute({ useCases, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().get(
    "/:id/posts",
    userId,
    validQuery(AuthorsPostsQuery),
    limits.cost(postPageCost(AuthorsPostsQuery)),
    async (c) => {
      const { id } = c.req.valid("param");
      const query = c.req.valid("query");
      const listQuery = { ...toListQuery(query), authorId: id };
      return postPageResponse(c, useCases, {
        list: postListName(`users/${id}/posts`, listQuery),
        query,
        isKey: (key) => isSortKey(key, listQuery.sort),
        find: async (page) => useCases.listPostsOfUser(c.get("viewer"), listQuery, page, c.get("signal")),
      });
    },
  );
}
