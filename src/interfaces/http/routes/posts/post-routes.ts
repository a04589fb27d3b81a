import { Hono } from "hono";
import type { HttpEnv } from "../../environment.ts";
import { identify } from "../../middleware/authentication.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { deletePostRoute, updatePostRoute } from "./change-post.ts";
import { createPostRoute } from "./create-post.ts";
import { getPostRoute } from "./get-post.ts";
import { listPostsRoute } from "./list-posts.ts";
import { publishPostRoute, unpublishPostRoute } from "./publish-post.ts";

export function postRoutes(dependencies: RouteDependencies) {
  return new Hono<HttpEnv>()
    .use(identify(dependencies.useCases))
    .use(dependencies.limits.account)
    .route("/", listPostsRoute(dependencies))
    .route("/", createPostRoute(dependencies))
    .route("/", getPostRoute(dependencies))
    .route("/", updatePostRoute(dependencies))
    .route("/", deletePostRoute(dependencies))
    .route("/", publishPostRoute(dependencies))
    .route("/", unpublishPostRoute(dependencies));
}
