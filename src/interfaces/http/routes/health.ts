import { Hono } from "hono";
import { z } from "zod";
import type { Durability } from "../../../application/ports/storage-probe.ts";
import type { UseCases } from "../../../application/application.ts";
import type { HttpEnv } from "../environment.ts";
import { LOADS, type Load } from "../load.ts";
import { failureProblem } from "../problem.ts";
import { setHeader } from "../respond.ts";
import { jsonResponse } from "../resource-response.ts";

export const LiveBody = z.object({ status: z.literal("live") });

export const ReadyBody = z.object({
  status: z.literal("ready"),
  checks: z.object({ database: z.literal("ok"), migrations: z.literal("ok") }),
  durability: z.enum(["fsync", "relaxed", "none"] satisfies Durability[]),
  writable: z.boolean(),
  load: z.enum(LOADS).meta({
    description:
      "`shedding` when the server has refused requests in the last ten seconds because it had too many. It is ready all the same: without it the others would have more.",
  }),
});

/**
 * `live`: the process answers. `ready`: it can serve, as the database answers and every migration is applied. A server that
 * sheds load stays ready and says so beside it: it serves as much as it can, and a balancer that took it out for that would
 * give its load to the next one, until none is left.
 */
export function healthRoutes({ checkReadiness }: Pick<UseCases, "checkReadiness">, load: () => Load) {
  return new Hono<HttpEnv>()
    .use(async (c, next) => {
      setHeader(c, "Cache-Control", "no-store");
      await next();
    })
    .get("/live", (c) => jsonResponse<z.infer<typeof LiveBody>, 200>(c, { status: "live" }, 200))
    .get("/ready", async (c) => {
      const readiness = await checkReadiness();
      return readiness.match(
        (storage) =>
          jsonResponse<z.infer<typeof ReadyBody>, 200>(
            c,
            { status: "ready", checks: { database: "ok", migrations: "ok" }, ...storage, load: load() },
            200,
          ),
        (failure) => failureProblem(c, failure),
      );
    });
}
