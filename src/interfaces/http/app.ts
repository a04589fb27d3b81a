import { Hono } from "hono";
import type { Log } from "../../application/ports/log.ts";
import type { RateLimiter, RatePolicy } from "../../application/ports/rate-limiter.ts";
import type { UseCases } from "../../application/application.ts";
import { answerHeaders } from "./answer-headers.ts";
import { compression, uncompressed, type Gzip } from "./middleware/compression.ts";
import { cors } from "./middleware/cors.ts";
import { serveDocs, type SwaggerUi } from "./routes/docs.ts";
import type { HttpEnv } from "./environment.ts";
import { serveDocument } from "./openapi/document.ts";
import { healthRoutes } from "./routes/health.ts";
import type { Load } from "./load.ts";
import { answerOtherMethods } from "./middleware/method-not-allowed.ts";
import { postRoutes } from "./routes/posts/post-routes.ts";
import { problem } from "./problem/problem.ts";
import { rateLimits, type ClientAddress } from "./middleware/rate-limits.ts";
import { requestId } from "./middleware/request-id.ts";
import type { RequestObserver } from "./middleware/request-metrics.ts";
import { requestLog } from "./middleware/request-log.ts";
import { LiteralsFirstRouter } from "./router.ts";
import { sessionRoutes } from "./routes/sessions/session-routes.ts";
import type { HttpSettings } from "./settings.ts";
import { onRequestAborted, runtimeTimer, timeLimit, type OnDisconnect, type Timer } from "./middleware/time-limit.ts";
import { userRoutes } from "./routes/users/user-routes.ts";

interface AppDependencies {
  readonly useCases: UseCases;
  readonly log: Log;
  readonly settings: HttpSettings;
  readonly limiter: (policy: RatePolicy) => RateLimiter;
  readonly clientAddress: ClientAddress;
  readonly gzip: Gzip | null;
  /** The files of the documentation page at /docs; without them there is no such page. */
  readonly swaggerUi?: SwaggerUi | undefined;
  readonly load?: (() => Load) | undefined;
  readonly timer?: Timer | undefined;
  readonly onDisconnect?: OnDisconnect | undefined;
  readonly observeRequest?: RequestObserver | undefined;
}

/** The routes with their inputs and answers, from which the typed client is inferred. */
export type App = ReturnType<typeof createApp>;

/** The API as a function from Request to Response. It runs on every runtime with Web standards. */
export function createApp({ useCases, log, settings, limiter, clientAddress, swaggerUi, ...rest }: AppDependencies) {
  const { gzip, load = () => "normal", timer = runtimeTimer, onDisconnect = onRequestAborted } = rest;
  const limits = rateLimits({ limiter, settings });
  const routes = { useCases, settings, limits };
  const { publicUrl } = settings;
  const basePath = publicUrl === null ? "" : new URL(publicUrl).pathname.replace(/\/$/, "");
  const app = new Hono<HttpEnv>({ router: new LiteralsFirstRouter() })
    .use(answerHeaders(basePath))
    .use(requestId)
    .use(async (c, next) => {
      // Once the request is answered, its connection may be closed and its address unknown.
      c.set("clientAddress", clientAddress(c));
      await next();
    })
    .use(requestLog(log, settings.logsClientAddress, rest.observeRequest))
    .use(cors(settings.corsOrigins))
    .use(gzip === null ? uncompressed : compression(gzip))
    .use(timeLimit(settings.requestTimeoutMs, timer, onDisconnect))
    .route("/health", healthRoutes(useCases, load))
    // The health checks of orchestrators and load balancers come before this line, so no rate limit counts them.
    .use(limits.address)
    .route("/v1/users", userRoutes(routes))
    .route("/v1/sessions", sessionRoutes(routes))
    .route("/v1/posts", postRoutes(routes));

  serveDocument(app, { server: publicUrl ?? "/", basePath });
  if (swaggerUi !== undefined) serveDocs(app, swaggerUi, basePath);
  answerOtherMethods(app);
  app.notFound((c) => problem(c, "route_not_found"));
  app.onError((_, c) => {
    // A client may disconnect while it sends the body, or send malformed chunks. That is no failure of the server.
    return problem(c, c.get("isArriving") === true ? "malformed_request" : "internal_error");
  });
  return app;
}
