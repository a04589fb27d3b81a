import { Hono } from "hono";
import { isSortKey } from "../../../../domain/post/post-list.ts";
import { isRankKey } from "../../../../domain/search/ranking.ts";
import type { HttpEnv } from "../../environment.ts";
import { postPageCost } from "../../middleware/rate-costs.ts";
import { validQuery } from "../../middleware/validation.ts";
import { describeRoute } from "../../openapi/operation.ts";
import { setHeader } from "../../respond.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { ADA, EXAMPLES, NOT_MODIFIED, PUBLISHED } from "../examples.ts";
import { PostPage, postPageResponse } from "./post-page.ts";
import { postListName, PostsQuery, toPostQuery } from "./post-query.ts";

export const listPostsOperation = describeRoute(listPostsRoute, {
  id: "listPosts",
  tag: "Posts",
  summary: "List or search posts",
  description:
    "Published posts and your own drafts, newest first; admins see all drafts. With `q` it is a search: the best matches come " +
    "first, and each post has an `excerpt`. Pages stay stable while others write (keyset pagination). A cursor is valid only " +
    "with the filters and the sort of its list.",
  request: {
    query: {
      author: EXAMPLES.ada,
      status: "published",
      "published-after": "2026-11-24T00:00:00Z",
      "published-before": "2026-11-25T00:00:00+01:00",
      sort: "-published",
      include: "author",
      count: "true",
    },
  },
  answers: {
    200: {
      description: "A page of posts.",
      headers: ["ETag", "Link", "X-Search-Index"],
      body: PostPage,
      example: {
        items: [{ ...PUBLISHED, author: { id: ADA.id, name: ADA.name } }],
        nextCursor: null,
        previousCursor: null,
        total: 1,
      },
    },
    304: NOT_MODIFIED,
  },
  problems: ["precondition_failed"],
  usesStorage: true,
});

export function listPostsRoute({ useCases, limits }: RouteDependencies) {
  return new Hono<HttpEnv>().get("/", validQuery(PostsQuery), limits.cost(postPageCost(PostsQuery)), async (c) => {
    const query = c.req.valid("query");
    const [viewer, signal] = [c.get("viewer"), c.get("signal")];
    const wanted = toPostQuery(query);
    const list = postListName("posts", wanted);
    return wanted.kind === "search"
      ? postPageResponse(c, useCases, {
          // A search with a total ranks more hits (search-passes.ts), so its pages continue no search without one.
          list: query.count === "true" ? `counted ${list}` : list,
          query,
          isKey: isRankKey,
          find: async (page) => {
            const found = await useCases.searchPosts(viewer, wanted, page, signal);
            if (found.isOk() && !found.value.isComplete) setHeader(c, "X-Search-Index", "building");
            return found;
          },
        })
      : postPageResponse(c, useCases, {
          list,
          query,
          isKey: (key) => isSortKey(key, wanted.sort),
          find: async (page) => useCases.listPosts(viewer, wanted, page, signal),
        });
  });
}
