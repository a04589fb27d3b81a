import { Hono } from "hono";
import * as z from "zod";
import type { UseCases } from "../../../application/application.ts";
import type { Durability } from "../../../application/ports/storage-probe.ts";
import type { HttpEnv } from "../environment.ts";
import { LOADS, type Load } from "../load.ts";
import { BODIES } from "../openapi/bodies.ts";
import { describeRoute } from "../openapi/operation.ts";
import { jsonResponse } from "../resource-response.ts";
import { setHeader } from "../respond.ts";
import { send } from "../send.ts";

const LiveBody = z.object({ status: z.literal("live") }).register(BODIES, { id: "Live" });

const ReadyBody = z
  .object({
    status: z.literal("ready"),
    checks: z.object({ database: z.literal("ok"), migrations: z.literal("ok") }),
    durability: z.enum(["fsync", "relaxed", "none"] satisfies Durability[]),
    writable: z.boolean(),
    load: z.enum(LOADS).meta({
      description:
        "`shedding` if the server has refused requests in the last ten seconds because of overload. It stays ready: without it, the other servers would have more load.",
    }),
  })
  .register(BODIES, { id: "Ready" });

export const isLiveOperation = describeRoute(liveRoute, {
  id: "isLive",
  tag: "Health",
  summary: "Check liveness",
  description: "The liveness check of an orchestrator. It does not use the database.",
  request: {},
  answers: { 200: { description: "The process answers.", body: LiveBody, example: { status: "live" } } },
  problems: [],
  usesStorage: false,
});

function liveRoute() {
  return new Hono<HttpEnv>().get("/live", (c) =>
    jsonResponse<z.infer<typeof LiveBody>, 200>(c, { status: "live" }, 200),
  );
}

export const isReadyOperation = describeRoute(readyRoute, {
  id: "isReady",
  tag: "Health",
  summary: "Check readiness",
  description: "The readiness check of a load balancer: the database answers and its schema is up to date.",
  request: {},
  answers: {
    200: {
      description: "The server can serve requests.",
      body: ReadyBody,
      example: {
        status: "ready",
        checks: { database: "ok", migrations: "ok" },
        durability: "fsync",
        writable: true,
        load: "normal",
      },
    },
  },
  problems: ["schema_outdated"],
  usesStorage: true,
});

/**
 * A server that sheds load stays ready. If the load balancer removed it, its load would move to the next server, until none
 * is left.
 */
function readyRoute({ checkReadiness }: Pick<UseCases, "checkReadiness">, load: () => Load) {
  return new Hono<HttpEnv>().get("/ready", async (c) =>
    send(c, checkReadiness(), (storage) =>
      jsonResponse<z.infer<typeof ReadyBody>, 200>(
        c,
        { status: "ready", checks: { database: "ok", migrations: "ok" }, ...storage, load: load() },
        200,
      ),
    ),
  );
}

export function healthRoutes(useCases: Pick<UseCases, "checkReadiness">, load: () => Load) {
  return new Hono<HttpEnv>()
    .use(async (c, next) => {
      setHeader(c, "Cache-Control", "no-store");
      await next();
    })
    .route("/", liveRoute())
    .route("/", readyRoute(useCases, load));
}
