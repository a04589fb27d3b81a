import type { Log } from "./application/ports/log.ts";
import type { RatePolicy } from "./application/ports/rate-limiter.ts";
import { useCases, type Dependencies } from "./application/use-cases.ts";
import { cachedProbe } from "./infrastructure/cached-probe.ts";
import { argon2idOnThreads } from "./infrastructure/passwords/hashing-threads.ts";
import { passwordHasher } from "./infrastructure/passwords/password-hasher.ts";
import { pbkdf2 } from "./infrastructure/passwords/pbkdf2.ts";
import { rateLimiter } from "./infrastructure/rate-limiter.ts";
import { swaggerUi } from "./infrastructure/swagger-ui.ts";
import { systemClock } from "./infrastructure/system-clock.ts";
import { uuidGenerator } from "./infrastructure/uuid-generator.ts";
import { nodeRequestSeals } from "./infrastructure/node-request-seals.ts";
import { nodeSessionTokens } from "./infrastructure/node-session-tokens.ts";
import { createApp } from "./interfaces/http/app.ts";
import type { SwaggerUi } from "./interfaces/http/docs.ts";
import type { Load } from "./interfaces/http/load.ts";
import type { ClientAddress } from "./interfaces/http/rate-limits.ts";
import type { HttpSettings } from "./interfaces/http/settings.ts";
import type { Timer } from "./interfaces/http/time-limit.ts";

export interface Adapters extends Dependencies {
  readonly log: Log;
  readonly http: HttpSettings;
  readonly clientAddress: ClientAddress;
  readonly swaggerUi?: SwaggerUi;
  /** Whether the server sheds load, for readiness; without it there is no server that could. */
  readonly load?: () => Load;
  /** By which requests are given up that take too long; the runtime's own by default. */
  readonly timer?: Timer;
}

/** The adapters that a Node process has, whatever it stores in. */
export const nodeAdapters = {
  hasher: passwordHasher(argon2idOnThreads(), [pbkdf2]),
  tokens: nodeSessionTokens,
  requestSeals: nodeRequestSeals,
  ids: uuidGenerator,
  clock: systemClock,
  swaggerUi,
} satisfies Partial<Adapters>;

/** Puts adapters into the use cases and the use cases into the API: the same for the server and for every test. */
export function compose(adapters: Adapters) {
  const { log, http, clientAddress, clock, swaggerUi, load, timer, probe } = adapters;
  const bound = useCases({ ...adapters, probe: cachedProbe(probe, clock) });
  const limiter = (policy: RatePolicy) => rateLimiter(clock, policy);
  return {
    useCases: bound,
    app: createApp({ useCases: bound, log, settings: http, limiter, clientAddress, swaggerUi, load, timer }),
  };
}
