import type { Log } from "../application/ports/log.ts";
import type { RateLimiter, RatePolicy } from "../application/ports/rate-limiter.ts";
import { useCases, type Dependencies, type UseCases } from "../application/application.ts";
import { cachedProbe } from "../infrastructure/storage/cached-probe.ts";
import { createApp, type App } from "../interfaces/http/app.ts";
import type { SwaggerUi } from "../interfaces/http/routes/docs.ts";
import type { Gzip } from "../interfaces/http/middleware/compression.ts";
import type { Load } from "../interfaces/http/load.ts";
import type { ClientAddress } from "../interfaces/http/middleware/rate-limits.ts";
import type { RequestObserver } from "../interfaces/http/middleware/request-metrics.ts";
import type { HttpSettings } from "../interfaces/http/settings.ts";
import type { OnDisconnect, Timer } from "../interfaces/http/middleware/time-limit.ts";

export interface Adapters extends Dependencies {
  readonly log: Log;
  readonly http: HttpSettings;
  /** Makes the rate limiter of a policy. */
  readonly limiter: (policy: RatePolicy) => RateLimiter;
  readonly clientAddress: ClientAddress;
  /** Compresses long answers; `null` for a platform that compresses them itself. */
  readonly gzip: Gzip | null;
  readonly swaggerUi?: SwaggerUi;
  /** Whether the server sheds load, for readiness. */
  readonly load?: () => Load;
  /** The timer of the request timeout. The default is the timer of the runtime. */
  readonly timer?: Timer;
  /** Calls back when a client has disconnected; by default the signal of the request. */
  readonly onDisconnect?: OnDisconnect;
  /** Receives each answered request, for metrics. */
  readonly observeRequest?: RequestObserver;
  /** Decorates the use cases that the API calls, for traces. */
  readonly traceCalls?: (useCases: UseCases) => UseCases;
}

/** The type of the app has a name here, because its declaration takes half a megabyte. */
export interface Composed {
  readonly app: App;
  readonly useCases: UseCases;
}

/** Composes the application from all of its adapters: the same for every runtime. It needs only Web standards. */
export function composeApp(adapters: Adapters): Composed {
  const { http, clock, probe, log, limiter, clientAddress, gzip } = adapters;
  const { swaggerUi, load, timer, onDisconnect, observeRequest, traceCalls } = adapters;
  const bound = useCases({ ...adapters, probe: cachedProbe(probe, clock) });
  const app = createApp({
    useCases: traceCalls?.(bound) ?? bound,
    log,
    settings: http,
    limiter,
    clientAddress,
    gzip,
    swaggerUi,
    load,
    timer,
    onDisconnect,
    observeRequest,
  });
  return { useCases: bound, app };
}
