import { Hono } from "hono";
import * as z from "zod";
import type { RemovalUnderway } from "../../../../application/users/delete-user.ts";
import type { UserId } from "../../../../domain/shared/id.ts";
import type { PostsFate } from "../../../../domain/user/user-removal.ts";
import type { HttpEnv } from "../../environment.ts";
import { requireActor } from "../../middleware/authentication.ts";
import { optionalJsonBody, SMALL_BODY_BYTES } from "../../middleware/json-body.ts";
import { userId } from "../../middleware/path-id.ts";
import { deletionCost } from "../../middleware/rate-costs.ts";
import { validQuery } from "../../middleware/validation.ts";
import { describeRoute } from "../../openapi/operation.ts";
import { failureProblem } from "../../problem/problem.ts";
import { respond } from "../../respond.ts";
import { noContent, targetOf } from "../../send.ts";
import { idText } from "../../values.ts";
import type { RouteDependencies } from "../dependencies.ts";
import { EXAMPLES, PASSWORD_PROBLEMS } from "../examples.ts";
import { CURRENT_PASSWORD } from "./user-body.ts";

const UserDeletion = z.strictObject({
  currentPassword: CURRENT_PASSWORD.meta({ description: "Required from users who delete themselves." }).exactOptional(),
});

const DeletionQuery = z
  .strictObject({
    posts: z.enum(["delete", "reassign"]).optional(),
    to: idText<UserId>().optional(),
  })
  .transform(({ posts, to }, context): PostsFate => {
    if (posts === "reassign" && to !== undefined) return { kind: "reassign", to };
    if (posts !== "reassign" && to === undefined) return { kind: posts ?? "keep" };
    const [code, message] =
      to === undefined
        ? ["required", "This parameter is required with posts=reassign: the id of the new author."]
        : ["contradictory", "This parameter is allowed with posts=reassign only. Remove it, or set posts to reassign."];
    context.addIssue({ code: "custom", path: ["to"], message, params: { code } });
    return z.NEVER;
  });

/** A request waits this long for the removal of a user's posts, if its own timeout permits. */
const MAX_REMOVAL_WAIT_MS = 10_000;

export const deleteUserOperation = describeRoute(deleteUserRoute, {
  id: "deleteUser",
  tag: "Users",
  summary: "Delete a user",
  description:
    "For the user, who sends `currentPassword`, and for admins, who need none for other users. A user who has posts is " +
    "deleted only if `posts` decides about them; only admins reassign posts. The user disappears immediately. The posts are " +
    "deleted or reassigned in batches, and stay visible until then. The answer waits some seconds for that; if it takes " +
    "longer, it continues in the background, also after a restart of the server.",
  request: { id: EXAMPLES.ada, query: { posts: "delete" }, body: { currentPassword: EXAMPLES.password } },
  answers: {
    204: { description: "The user and their sessions are deleted, and their posts are deleted or reassigned." },
    202: { description: "The user and their sessions are deleted. Their posts are still being deleted or reassigned." },
  },
  problems: [
    "user_not_found",
    "forbidden",
    "wrong_password",
    "current_password_required",
    "user_has_posts",
    "new_author_unfit",
    "last_admin",
    "precondition_failed",
    "version_conflict",
    ...PASSWORD_PROBLEMS,
  ],
  usesStorage: true,
});

export function deleteUserRoute({ useCases, settings: { requestTimeoutMs }, limits }: RouteDependencies) {
  const removalWaitMs = Math.min(MAX_REMOVAL_WAIT_MS, requestTimeoutMs / 2);
  return new Hono<HttpEnv>().delete(
    "/:id",
    requireActor,
    userId,
    validQuery(DeletionQuery),
    limits.cost(deletionCost(DeletionQuery)),
    optionalJsonBody(UserDeletion, SMALL_BODY_BYTES),
    limits.reauthentication(UserDeletion, ({ currentPassword }) => currentPassword !== undefined),
    async (c) => {
      const input = { ...targetOf(c), posts: c.req.valid("query"), ...c.req.valid("json") };
      const deleted = await useCases.deleteUser(c.get("actor"), input);
      if (deleted.isErr()) return failureProblem(c, deleted.error);
      return (await isFinished(deleted.value, removalWaitMs)) ? noContent(c) : respond(c, null, 202);
    },
  );
}

/** Whether the removal of the user's posts ends within this time. If not, it continues in the background. */
async function isFinished({ finished }: RemovalUnderway, withinMs: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), withinMs);
  });
  const isDone = finished.then((outcome) => outcome.isOk()).finally(() => clearTimeout(timer));
  return Promise.race([isDone, timeout]);
}
