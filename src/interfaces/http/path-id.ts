import { zValidator } from "@hono/zod-validator";
import type { Context } from "hono";
import { z } from "zod";
import { parseId, type Id, type PostId, type SessionId, type UserId } from "../../domain/id.ts";
import { problem, type ProblemKind } from "./problem.ts";
import { text } from "./validation.ts";

export const userId = pathId<UserId, "user_not_found">("user_not_found");
export const postId = pathId<PostId, "post_not_found">("post_not_found");
export const sessionId = pathId<SessionId, "session_not_found">("session_not_found");

/** Reads `:id` from the path. What is no UUID names nothing, so it is not found like one that nobody has. */
function pathId<AnId extends Id<string>, NotFound extends ProblemKind>(notFound: NotFound) {
  return zValidator("param", z.object({ id: text((raw) => parseId<AnId>(raw)) }), (result, c: Context) =>
    result.success ? undefined : problem(c, notFound),
  );
}
