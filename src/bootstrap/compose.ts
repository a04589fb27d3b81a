import type { RatePolicy } from "../application/ports/rate-limiter.ts";
import type { Storage } from "../application/ports/storage.ts";
import { argon2idOnThreads, THREAD_LIMITS } from "../infrastructure/crypto/hashing-threads.ts";
import { passwordHasher } from "../infrastructure/crypto/password-hasher.ts";
import { nodeGzip } from "../infrastructure/node/gzip.ts";
import { nullLog } from "../infrastructure/node/null-log.ts";
import { rateLimiter } from "../infrastructure/node/rate-limiter.ts";
import { systemClock } from "../infrastructure/node/system-clock.ts";
import { uuidGenerator } from "../infrastructure/node/uuid-generator.ts";
import { nodeIdempotencyCipher } from "../infrastructure/crypto/node-idempotency-cipher.ts";
import { nodeSessionTokens } from "../infrastructure/crypto/node-session-tokens.ts";
import { clientAddress, countedHosts, proxyList } from "../interfaces/node/client-address.ts";
import type { HttpSettings } from "../interfaces/http/settings.ts";
import { composeApp, type Adapters, type Composed } from "./compose-app.ts";
import { readConfig } from "./config.ts";

export type { Adapters, Composed };

/** The adapters of a Node process that no setting changes. */
export const nodeAdapters = {
  hasher: passwordHasher(argon2idOnThreads(), THREAD_LIMITS),
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
  const settings = { http, registration, sessionIdleMs, gzip: nodeGzip };
  return { ...nodeAdapters, ...settings, log: nullLog, clientAddress: clientAddress(hostOf) };
}

/** Composes the application on Node from its adapters: the same for the server and for every test. */
export function compose(composition: Composition): Composed {
  const preset = defaults();
  const { clock } = { ...preset, ...composition };
  const limiter = (policy: RatePolicy) => rateLimiter(clock, policy);
  return composeApp({ ...preset, limiter, ...composition, http: { ...preset.http, ...composition.http } });
}
