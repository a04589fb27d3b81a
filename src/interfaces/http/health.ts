import { Hono } from "hono";
import type { UseCases } from "../../application/use-cases.ts";
import type { HttpEnv } from "./environment.ts";
import { failureProblem } from "./problem.ts";

/** `live`: the process answers. `ready`: it can serve, as the database answers and every migration is applied. */
export function healthRoutes({ checkReadiness }: Pick<UseCases, "checkReadiness">) {
  return new Hono<HttpEnv>()
    .use(async (c, next) => {
      await next();
      c.header("Cache-Control", "no-store");
    })
    .get("/live", (c) => c.json({ status: "live" }))
    .get("/ready", async (c) => {
      const readiness = await checkReadiness();
      return readiness.match(
        (storage) => c.json({ status: "ready", checks: { database: "ok", migrations: "ok" }, ...storage }),
        (failure) => failureProblem(c, failure),
      );
    });
}
