import { Hono } from "hono";
import type { HttpEnv } from "../../environment.ts";
import { identify } from "../../middleware/authentication.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { listPostsOfUserRoute } from "../posts/list-posts-of-user.ts";
import { changePasswordRoute } from "./change-password.ts";
import { deleteUserRoute } from "./delete-user.ts";
import { getOwnUserRoute, getUserRoute, listUsersRoute } from "./read-users.ts";
import { registerUserRoute } from "./register-user.ts";
import { updateUserRoute } from "./update-user.ts";

export function userRoutes(dependencies: RouteDependencies) {
  return new Hono<HttpEnv>()
    .use(identify(dependencies.useCases))
    .use(dependencies.limits.account)
    .route("/", registerUserRoute(dependencies))
    .route("/", listUsersRoute(dependencies))
    .route("/", getOwnUserRoute(dependencies))
    .route("/", getUserRoute(dependencies))
    .route("/", updateUserRoute(dependencies))
    .route("/", deleteUserRoute(dependencies))
    .route("/", listPostsOfUserRoute(dependencies))
    .route("/", changePasswordRoute(dependencies));
}
