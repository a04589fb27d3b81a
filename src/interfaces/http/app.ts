import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import type { Log } from "../../application/ports/log.ts";
import type { RateLimiter, RatePolicy } from "../../application/ports/rate-limiter.ts";
import type { UseCases } from "../../application/application.ts";
import { answerHeaders } from "./answer-headers.ts";
import { compression } from "./middleware/compression.ts";
import { cors } from "./middleware/cors.ts";
import { serveDocs, type SwaggerUi } from "./routes/docs.ts";
import type { HttpEnv } from "./environment.ts";
import { serveDocument } from "./openapi/document.ts";
import { healthRoutes } from "./routes/health.ts";
import type { Load } from "./load.ts";
import { answerOtherMethods } from "./middleware/method-not-allowed.ts";
import { postRoutes } from "./routes/posts.ts";
import { problem } from "./problem.ts";
import { rateLimits, type ClientAddress } from "./middleware/rate-limits.ts";
import { requestId } from "./middleware/request-id.ts";
import { requestLog } from "./middleware/request-log.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import type { HttpSettings } from "./settings.ts";
import { runtimeTimer, timeLimit, type Timer } from "./middleware/time-limit.ts";
import { userRoutes } from "./routes/users.ts";

interface AppDependencies {
  readonly useCases: UseCases;
  readonly log: Log;
  readonly settings: HttpSettings;
  readonly limiter: (policy: RatePolicy) => RateLimiter;
  readonly clientAddress: ClientAddress;
  /** What the page of documentation is made of; without it there is none. */
  readonly swaggerUi?: SwaggerUi | undefined;
  readonly load?: (() => Load) | undefined;
  readonly timer?: Timer | undefined;
}

/** The routes with their inputs and answers: what a typed client is inferred from. */
export type App = ReturnType<typeof createApp>;

/** The API as a function from Request to Response: it runs wherever Web standards do. */
export function createApp({ useCases, log, settings, limiter, clientAddress, swaggerUi, ...rest }: AppDependencies) {
  const { load = () => "normal", timer = runtimeTimer } = rest;
  const limits = rateLimits({ limiter, clientAddress, settings });
  const { publicUrl } = settings;
  const basePath = publicUrl === null ? "" : new URL(publicUrl).pathname.replace(/\/$/, "");
  const app = new Hono<HttpEnv>()
    .use(answerHeaders(basePath))
    .use(requestId)
    .use(requestLog(log, settings.logsClientAddress ? clientAddress : null))
    .use(cors(settings.corsOrigins))
    .use(compression)
    .use(timeLimit(settings.requestTimeoutMs, timer))
    .use(async (_, next) => {
      try {
        await next();
      } catch (thrown) {
        // Errors never come here, as Hono gives them to onError; anything else it would let through unanswered.
        throw new Error("Something that is no Error was thrown.", { cause: thrown });
      }
    })
    .route("/health", healthRoutes(useCases, load))
    // The health checks of orchestrators and load balancers stand before this, so no rate limit counts them.
    .use(limits.address)
    .route("/v1/users", userRoutes(useCases, settings, limits))
    .route("/v1/sessions", sessionRoutes(useCases, limits))
    .route("/v1/posts", postRoutes(useCases, settings, limits));

  serveDocument(app, { server: publicUrl ?? "/", basePath });
  if (swaggerUi !== undefined) serveDocs(app, swaggerUi, basePath);
  answerOtherMethods(app);
  app.notFound((c) => problem(c, "route_not_found"));
  app.onError((error, c) => {
    // Whoever sends a body may break off, or send chunks that are none: that is no failure of the server.
    if (c.get("isArriving") === true) return problem(c, "malformed_request");
    // The only exception that is an answer is the validator's, for a body that JSON.parse refuses.
    return problem(c, error instanceof HTTPException && error.status === 400 ? "malformed_json" : "internal_error");
  });
  return app;
}
