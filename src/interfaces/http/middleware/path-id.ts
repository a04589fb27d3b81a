import { zValidator } from "@hono/zod-validator";
import type { Context } from "hono";
import * as z from "zod";
import type { Id, PostId, SessionId, UserId } from "../../../domain/shared/id.ts";
import { documented } from "../openapi/documented.ts";
import { problem, type ProblemKind } from "../problem/problem.ts";
import { idText } from "../values.ts";

export const userId = pathId<UserId, "user_not_found">("user_not_found");
export const postId = pathId<PostId, "post_not_found">("post_not_found");
export const sessionId = pathId<SessionId, "session_not_found">("session_not_found");

/** Reads `:id` from the path. A text that is no UUID is the id of nothing, so the answer is 404 as for an unknown id. */
function pathId<AnId extends Id<string>, NotFound extends ProblemKind>(notFound: NotFound) {
  const path = z.object({ id: idText<AnId>() });
  const middleware = zValidator(
    "param",
    path,
    (result, c: Context) => (result.success ? undefined : problem(c, notFound)),
    // Zod compiles the synchronous form of a schema, and interprets the asynchronous one.
    { validationFunction: (_, parameters) => path.safeParse(parameters) },
  );
  return documented(middleware, { path, problems: [notFound] });
}
