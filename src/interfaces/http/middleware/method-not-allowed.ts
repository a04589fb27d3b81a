import type { Hono } from "hono";
import type { HttpEnv } from "../environment.ts";
import { PATCH_TYPES } from "./json-body.ts";
import { problem } from "../problem/problem.ts";
import { respond } from "../respond.ts";

/**
 * Answers the methods that a path has no handler for: 405 with Allow (RFC 9110, 15.5.6), and 204 with Allow for OPTIONS. Both
 * have Accept-Patch where the path supports PATCH (RFC 5789, 3.1). It reads the routes of the app, so it is called last.
 *
 * Hono's method-not-allowed middleware answers OPTIONS with 405 and sets no Accept-Patch.
 */
export function answerOtherMethods(app: Hono<HttpEnv>): void {
  const methodsByPath = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    if (method === "ALL") continue;
    const methods = methodsByPath.get(path) ?? new Set(["OPTIONS"]);
    methods.add(method);
    if (method === "GET") methods.add("HEAD");
    methodsByPath.set(path, methods);
  }
  for (const [path, methods] of methodsByPath) {
    const headers = {
      Allow: [...methods].toSorted().join(", "),
      ...(methods.has("PATCH") ? { "Accept-Patch": PATCH_TYPES.join(", ") } : {}),
    };
    app.all(path, (c) =>
      c.req.method === "OPTIONS" ? respond(c, null, 204, headers) : problem(c, "method_not_allowed", { headers }),
    );
  }
}
