import { createMiddleware } from "hono/factory";
import type { Idempotency } from "../../../application/idempotency/idempotency.ts";
import type { HttpEnv } from "../environment.ts";
import { documented } from "../openapi/documented.ts";
import { IDEMPOTENCY_KEY } from "../openapi/headers.ts";
import { problem } from "../problem/problem.ts";

/** The environment of a route behind {@link idempotencyKey}. */
export interface IdempotencyEnv extends HttpEnv {
  Variables: HttpEnv["Variables"] & { idempotency: Idempotency | null };
}

/**
 * Reads the Idempotency-Key of a POST (draft-ietf-httpapi-idempotency-key-header) for its use case. A route puts it after
 * the validation of the body. The key belongs to the account of the session, or to the operation without a session.
 */
export const idempotencyKey = documented(
  createMiddleware<IdempotencyEnv>(async (c, next) => {
    const header = c.req.header("Idempotency-Key");
    if (header === undefined) {
      c.set("idempotency", null);
      return next();
    }
    const [, quoted, bare] = IDEMPOTENCY_KEY.exec(header) ?? [];
    const key = quoted ?? bare;
    if (key === undefined) return problem(c, "malformed_idempotency_key");
    const owner = c.get("viewer")?.userId ?? null;
    c.set("idempotency", { key, owner, operation: `${c.req.method} ${c.req.path}`, body: c.get("bodyText") ?? "" });
    return next();
  }),
  { problems: ["malformed_idempotency_key"] },
);
