import { createMiddleware } from "hono/factory";
import type { UseCases } from "../../../application/application.ts";
import { documented } from "../openapi/documented.ts";
import type { ActorEnv, HttpEnv } from "../environment.ts";
import { failureProblem, problem, STORAGE_PROBLEMS } from "../problem/problem.ts";

/** RFC 6750, 2.1: the scheme in any case, one or more spaces, the token. */
const BEARER = /^bearer +([\w\-.~+/]+=*)$/i;

/** Identifies the user by the bearer token. A request without an Authorization header is anonymous; a wrong token gets 401. */
export function identify({ authenticate }: Pick<UseCases, "authenticate">) {
  const middleware = createMiddleware<HttpEnv>(async (c, next) => {
    const header = c.req.header("Authorization");
    if (header === undefined) {
      c.set("viewer", null);
      return next();
    }
    const token = BEARER.exec(header)?.[1];
    if (token === undefined) return problem(c, "invalid_session");
    const actor = await authenticate(token, c.get("signal"));
    if (actor.isErr()) return failureProblem(c, actor.error);
    c.set("viewer", actor.value);
    return next();
  });
  return documented(middleware, { bearer: "optional", problems: ["invalid_session", ...STORAGE_PROBLEMS] });
}

/** Rejects anonymous requests with 401. */
export const requireActor = documented(
  createMiddleware<ActorEnv>(async (c, next) => {
    const viewer = c.get("viewer");
    if (viewer === null) return problem(c, "authentication_required");
    c.set("actor", viewer);
    return next();
  }),
  { bearer: "required", problems: ["authentication_required"] },
);
