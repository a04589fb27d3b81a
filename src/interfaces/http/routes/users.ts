import { Hono, type Context } from "hono";
import { z } from "zod";
import type { UseCases } from "../../../application/application.ts";
import type { RemovalUnderway } from "../../../application/users/delete-user.ts";
import { isSortKey } from "../../../domain/post/post-list.ts";
import type { UserProfile } from "../../../domain/user/user-profile.ts";
import type { UserId } from "../../../domain/shared/id.ts";
import { ROLES } from "../../../domain/user/user.ts";
import type { PostsFate } from "../../../domain/user/user-removal.ts";
import { identify, requireActor } from "../middleware/authentication.ts";
import type { HttpEnv } from "../environment.ts";
import { expectedVersions } from "../etag.ts";
import { idempotencyKey } from "../middleware/idempotency.ts";
import { jsonBody, optionalJsonBody, patchBody, SMALL_BODY_BYTES } from "../middleware/json-body.ts";
import { PageQuery, pageResponse } from "../pagination.ts";
import { userId } from "../path-id.ts";
import { AuthorsPostsQuery, postListName, toListQuery } from "../post-query.ts";
import { postPageResponse, presentPost } from "./posts.ts";
import { failureProblem } from "../problem.ts";
import { changedResponse, createdResponse, resourceResponse } from "../resource-response.ts";
import { DELETION, HASH, PAGE, POST_PAGE, WRITE } from "../middleware/rate-costs.ts";
import type { RateLimits } from "../middleware/rate-limits.ts";
import { respond } from "../respond.ts";
import type { HttpSettings } from "../settings.ts";
import { rejectQuery, validBody, validQuery } from "../middleware/validation.ts";
import { emailText, IdBody, idText, nameText, passwordText, TimeBody } from "../values.ts";

export const UserBody = z.object({
  id: IdBody,
  name: z.string(),
  email: z.string().nullable(),
  role: z.enum(ROLES).nullable(),
  version: z.int().positive(),
  createdAt: TimeBody,
  updatedAt: TimeBody,
});

const NewUser = z.strictObject({
  name: nameText,
  email: emailText,
  password: passwordText,
  role: z.enum(ROLES).meta({ description: "Given by admins alone; `author` where it is left out." }).exactOptional(),
});

const CURRENT_PASSWORD = z.string();

const UserPatch = z.strictObject({
  name: nameText.exactOptional(),
  email: emailText.exactOptional(),
  role: z.enum(ROLES).exactOptional(),
  currentPassword: CURRENT_PASSWORD.meta({ description: "Of a user who changes their own address." }).exactOptional(),
});

const UserDeletion = z.strictObject({
  currentPassword: CURRENT_PASSWORD.meta({ description: "Of a user who deletes themself." }).exactOptional(),
});

const PasswordChange = z.strictObject({
  currentPassword: CURRENT_PASSWORD.meta({ description: "Of a user who changes their own." }).exactOptional(),
  newPassword: passwordText,
});

const Deletion = z
  .strictObject({
    posts: z.enum(["delete", "reassign"]).optional(),
    to: idText<UserId>().optional(),
  })
  .transform(({ posts, to }, context): PostsFate => {
    if (posts === "reassign" && to !== undefined) return { kind: "reassign", to };
    if (posts !== "reassign" && to === undefined) return { kind: posts ?? "keep" };
    const message = "Give 'to' together with posts=reassign: the id of the user who is to have the posts.";
    context.addIssue({ code: "custom", path: ["to"], message, params: { code: "required" } });
    return z.NEVER;
  });

type Changes = Partial<z.output<typeof UserPatch> & z.output<typeof PasswordChange>>;

const changesOf = (c: Context) => c.req.valid("json" as never) as Changes;
const changesEmail = (c: Context) => changesOf(c).email !== undefined;
const givesCurrentPassword = (c: Context) => changesOf(c).currentPassword !== undefined;

/** So long a request waits for what a user leaves to be worked off, where requests may take that long. */
const MAX_REMOVAL_WAIT_MS = 10_000;

export function userRoutes(useCases: UseCases, { requestTimeoutMs }: HttpSettings, limits: RateLimits) {
  const removalWaitMs = Math.min(MAX_REMOVAL_WAIT_MS, requestTimeoutMs / 2);
  return new Hono<HttpEnv>()
    .use(identify(useCases))
    .use(limits.account)
    .post(
      "/",
      rejectQuery,
      jsonBody(SMALL_BODY_BYTES),
      validBody(NewUser),
      limits.passwords,
      limits.cost(HASH),
      idempotencyKey,
      async (c) => {
        const registered = await useCases.registerUser(c.get("viewer"), c.req.valid("json"), c.get("idempotency"));
        return registered.match(
          (outcome) =>
            createdResponse(c, outcome, (user) => ({ location: `/v1/users/${user.id}`, ...userResource(user) })),
          (failure) => failureProblem(c, failure),
        );
      },
    )
    .get("/", validQuery(PageQuery), limits.cost(PAGE), async (c) =>
      pageResponse(c, {
        list: "users",
        query: c.req.valid("query"),
        find: async (request) => useCases.listUsers(c.get("viewer"), request, c.get("signal")),
        present: presentUser,
        state: ({ id, version, email }) => [id, version, email !== null],
      }),
    )
    .get("/me", requireActor, rejectQuery, async (c) => {
      const found = await useCases.getUser(c.get("actor"), c.get("actor").userId, c.get("signal"));
      return found.match(
        (user) => resourceResponse(c, userResource(user)),
        (failure) => failureProblem(c, failure),
      );
    })
    .get("/:id", userId, rejectQuery, async (c) => {
      const found = await useCases.getUser(c.get("viewer"), c.req.valid("param").id, c.get("signal"));
      return found.match(
        (user) => resourceResponse(c, userResource(user)),
        (failure) => failureProblem(c, failure),
      );
    })
    .patch(
      "/:id",
      requireActor,
      userId,
      rejectQuery,
      limits.cost(WRITE),
      patchBody(SMALL_BODY_BYTES),
      validBody(UserPatch),
      limits.reauthentication((c) => changesEmail(c) || givesCurrentPassword(c)),
      async (c) => {
        const target = { id: c.req.valid("param").id, expected: expectedVersions(c) };
        const { currentPassword, ...changes } = c.req.valid("json");
        const proof = currentPassword === undefined ? {} : { currentPassword };
        const updated = await useCases.updateUser(c.get("actor"), { ...target, changes, ...proof });
        return updated.match(
          (user) => changedResponse(c, userResource(user)),
          (failure) => failureProblem(c, failure),
        );
      },
    )
    .delete(
      "/:id",
      requireActor,
      userId,
      validQuery(Deletion),
      limits.cost(DELETION),
      optionalJsonBody(SMALL_BODY_BYTES),
      validBody(UserDeletion),
      limits.reauthentication(givesCurrentPassword),
      async (c) => {
        const target = { id: c.req.valid("param").id, expected: expectedVersions(c) };
        const input = { ...target, posts: c.req.valid("query"), ...c.req.valid("json") };
        const deleted = await useCases.deleteUser(c.get("actor"), input);
        if (deleted.isErr()) return failureProblem(c, deleted.error);
        return (await isFinished(deleted.value, removalWaitMs)) ? respond(c, null, 204) : respond(c, null, 202);
      },
    )
    .get("/:id/posts", userId, validQuery(AuthorsPostsQuery), limits.cost(POST_PAGE), async (c) => {
      const { id } = c.req.valid("param");
      const query = c.req.valid("query");
      const listQuery = { ...toListQuery(query), authorId: id };
      return postPageResponse(c, useCases, {
        list: postListName(`users/${id}/posts`, listQuery),
        query,
        isKey: (key) => isSortKey(key, listQuery.sort),
        find: async (page) => useCases.listPostsOfUser(c.get("viewer"), listQuery, page, c.get("signal")),
        present: presentPost,
      });
    })
    .put(
      "/:id/password",
      requireActor,
      userId,
      rejectQuery,
      jsonBody(SMALL_BODY_BYTES),
      validBody(PasswordChange),
      limits.passwords,
      limits.reauthentication(givesCurrentPassword),
      limits.cost(HASH),
      async (c) => {
        const { id } = c.req.valid("param");
        const changed = await useCases.changePassword(c.get("actor"), { id, ...c.req.valid("json") });
        return changed.match(
          () => respond(c, null, 204),
          (failure) => failureProblem(c, failure),
        );
      },
    );
}

/** Whether nothing is left of a user before a time has passed; what is left then is worked off without the request. */
async function isFinished({ finished }: RemovalUnderway, withinMs: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<false>((settle) => {
    timer = setTimeout(() => settle(false), withinMs);
  });
  const isDone = finished.then((outcome) => outcome.isOk()).finally(() => clearTimeout(timer));
  return Promise.race([isDone, tooLate]);
}

export function presentUser({ createdAt, updatedAt, ...user }: UserProfile): z.infer<typeof UserBody> {
  const { id, name, email, role, version } = user;
  return {
    id,
    name,
    email,
    role,
    version,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}

/** A viewer who may not see the address and the role has another representation of the same version, so it has another tag. */
function userResource(user: UserProfile) {
  const representation = user.email === null ? ("public" as const) : ("full" as const);
  return { version: user.version, representation, body: presentUser(user) };
}
