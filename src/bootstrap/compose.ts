import type { Log } from "../application/ports/log.ts";
import type { RatePolicy } from "../application/ports/rate-limiter.ts";
import { useCases, type Dependencies, type UseCases } from "../application/application.ts";
import type { Storage } from "../application/ports/storage.ts";
import { cachedProbe } from "../infrastructure/storage/cached-probe.ts";
import { argon2idOnThreads } from "../infrastructure/crypto/hashing-threads.ts";
import { passwordHasher } from "../infrastructure/crypto/password-hasher.ts";
import { nullLog } from "../infrastructure/node/null-log.ts";
import { rateLimiter } from "../infrastructure/node/rate-limiter.ts";
import { systemClock } from "../infrastructure/node/system-clock.ts";
import { uuidGenerator } from "../infrastructure/node/uuid-generator.ts";
import { nodeIdempotencyCipher } from "../infrastructure/crypto/node-idempotency-cipher.ts";
import { nodeSessionTokens } from "../infrastructure/crypto/node-session-tokens.ts";
import { createApp, type App } from "../interfaces/http/app.ts";
import type { SwaggerUi } from "../interfaces/http/routes/docs.ts";
import type { Load } from "../interfaces/http/load.ts";
import type { ClientAddress } from "../interfaces/http/middleware/rate-limits.ts";
import { clientAddress, countedHosts, proxyList } from "../interfaces/node/client-address.ts";
import type { RequestObserver } from "../interfaces/http/middleware/request-metrics.ts";
import type { HttpSettings } from "../interfaces/http/settings.ts";
import type { OnDisconnect, Timer } from "../interfaces/http/middleware/time-limit.ts";
import { readConfig } from "./config.ts";

export interface Adapters extends Dependencies {
  readonly log: Log;
  readonly http: HttpSettings;
  readonly clientAddress: ClientAddress;
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

/** The adapters of a Node process that no setting changes. */
export const nodeAdapters = {
  hasher: passwordHasher(argon2idOnThreads()),
  tokens: nodeSessionTokens,
  idempotencyCipher: nodeIdempotencyCipher,
  ids: uuidGenerator,
  clock: systemClock,
} satisfies Partial<Adapters>;

/** The adapters and settings that differ from the defaults. */
export type Overrides = Partial<Omit<Adapters, keyof Storage | "http">> & { readonly http?: Partial<HttpSettings> };

/** The storage, and the adapters and settings that differ from the defaults. */
export type Composition = Omit<Storage, "close"> & Overrides;

/** The default configuration of the server, without a log and without trusted proxies. */
function defaults() {
  const hostOf = countedHosts(proxyList([]));
  const { http, registration, sessionIdleMs } = readConfig({}).match(
    (config) => config,
    () => {
      throw new Error("The default configuration is invalid.");
    },
  );
  return { ...nodeAdapters, log: nullLog, http, registration, sessionIdleMs, clientAddress: clientAddress(hostOf) };
}

/** The type of the app has a name here, because its declaration takes half a megabyte. */
export interface Composed {
  readonly app: App;
  readonly useCases: UseCases;
}

/** Composes the application from its adapters: the same for the server and for every test. */
export function compose(composition: Composition): Composed {
  const preset = defaults();
  const adapters: Adapters = { ...preset, ...composition, http: { ...preset.http, ...composition.http } };
  const { log, http, clock, swaggerUi, load, timer, onDisconnect, observeRequest, probe } = adapters;
  const bound = useCases({ ...adapters, probe: cachedProbe(probe, clock) });
  const limiter = (policy: RatePolicy) => rateLimiter(clock, policy);
  return {
    useCases: bound,
    app: createApp({
      useCases: adapters.traceCalls?.(bound) ?? bound,
      log,
      settings: http,
      limiter,
      clientAddress: adapters.clientAddress,
      swaggerUi,
      load,
      timer,
      onDisconnect,
      observeRequest,
    }),
  };
}
