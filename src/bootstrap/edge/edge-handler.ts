import { ok } from "neverthrow";
import type { Clock } from "../../application/ports/clock.ts";
import type { Log } from "../../application/ports/log.ts";
import type { Registration } from "../../domain/access.ts";
import { passwordHasher } from "../../infrastructure/crypto/password-hasher.ts";
import { openMemoryStorage } from "../../infrastructure/memory/memory-storage.ts";
import { rateLimiter } from "../../infrastructure/node/rate-limiter.ts";
import { systemClock } from "../../infrastructure/node/system-clock.ts";
import { uuidGenerator } from "../../infrastructure/node/uuid-generator.ts";
import { notePostChanges } from "../../infrastructure/storage/post-changes.ts";
import { argon2idOnWasm, type CompiledWasm } from "../../infrastructure/web/argon2id-wasm.ts";
import { consoleLog } from "../../infrastructure/web/console-log.ts";
import { webIdempotencyCipher } from "../../infrastructure/web/web-idempotency-cipher.ts";
import { webSessionTokens } from "../../infrastructure/web/web-session-tokens.ts";
import { connectingAddress } from "../../interfaces/edge/connecting-address.ts";
import { workerHandler, type WorkerApi, type WorkerHandler } from "../../interfaces/edge/worker-handler.ts";
import type { ClientAddress } from "../../interfaces/http/middleware/rate-limits.ts";
import type { HttpSettings } from "../../interfaces/http/settings.ts";
import { composeApp, type Adapters } from "../compose-app.ts";
import { DAY_MS, DEFAULT_HTTP_SETTINGS, DEFAULT_REGISTRATION, DEFAULT_SESSION_IDLE_DAYS } from "../default-settings.ts";
import { changedPosts } from "./changed-posts.ts";
import { maintainOnce } from "./maintenance.ts";
import type { OpenWorkerStorage, WorkerStorage } from "./worker-storage.ts";

export interface EdgeOptions<Env> {
  /** The module `quire-api/argon2id.wasm`, which the worker imports. */
  readonly argon2id: CompiledWasm;
  /** Opens the storage of a request; by default one memory storage for all requests, which loses its data with the worker. */
  readonly storage?: OpenWorkerStorage<Env>;
  /** Settings that differ from those of the server. */
  readonly http?: Partial<HttpSettings>;
  readonly registration?: Registration;
  /** A session expires when it is idle for this time. */
  readonly sessionIdleMs?: number;
  /** The address of a client for the rate limits; by default that of `CF-Connecting-IP`. */
  readonly clientAddress?: ClientAddress;
  /** By default JSON lines on the console, from the level `info` on. */
  readonly log?: Log;
  /** By default the clock of the runtime. */
  readonly clock?: Clock;
}

/** A hash occupies the only thread of the worker, so no other one can wait for it. */
const UNBOUNDED = { running: Infinity, waiting: 0 };

type FixedAdapters = Omit<Adapters, keyof WorkerStorage>;

/** The default export of a worker that serves the API. */
export function edgeHandler<Env = unknown>({ argon2id, storage, ...given }: EdgeOptions<Env>): WorkerHandler<Env> {
  const { log = consoleLog() } = given;
  const adapters: FixedAdapters = {
    hasher: passwordHasher(argon2idOnWasm(argon2id), UNBOUNDED),
    tokens: webSessionTokens,
    idempotencyCipher: webIdempotencyCipher,
    ids: uuidGenerator,
    clock: systemClock,
    registration: DEFAULT_REGISTRATION,
    sessionIdleMs: DEFAULT_SESSION_IDLE_DAYS * DAY_MS,
    clientAddress: connectingAddress,
    ...given,
    log,
    http: { ...DEFAULT_HTTP_SETTINGS, ...given.http },
    gzip: null,
  };
  if (storage !== undefined) {
    return workerHandler<Env>({
      open: async (env) => (await storage(env, log)).map((opened) => requestApi(adapters, opened)),
      log,
    });
  }
  // A worker must not make random values while it loads, so the first request composes the API.
  let onMemory: WorkerApi | undefined;
  return workerHandler<Env>({
    open: async () => ok((onMemory ??= memoryApi(adapters))),
    log,
  });
}

function requestApi(adapters: FixedAdapters, storage: WorkerStorage): WorkerApi {
  const { searchIndex } = storage;
  const changed = changedPosts();
  const { app, useCases } = composeApp({
    ...adapters,
    ...notePostChanges(storage, changed),
    limiter: (policy) => storage.limiter(adapters.clock, policy),
  });
  return {
    fetch: async (request) => app.fetch(request),
    maintain: async () => maintainOnce(useCases, storage, adapters.log),
    finish: async () => {
      // A scheduled run resumes a removal that takes longer than its request.
      await useCases.stopRemovals();
      if (searchIndex !== undefined) await changed.indexIn(searchIndex, adapters.log);
      const closed = await storage.close();
      if (closed.isErr()) adapters.log.warn({ failure: closed.error }, "the storage was not closed cleanly");
    },
  };
}

/** The API on one storage for all requests: nothing in it belongs to a request. */
function memoryApi(adapters: FixedAdapters): WorkerApi {
  const storage: WorkerStorage = { ...openMemoryStorage(), limiter: rateLimiter };
  const limiters = { limiter: (policy: Parameters<Adapters["limiter"]>[0]) => rateLimiter(adapters.clock, policy) };
  const { app, useCases } = composeApp({ ...adapters, ...storage, ...limiters });
  return {
    fetch: async (request) => app.fetch(request),
    maintain: async () => maintainOnce(useCases, storage, adapters.log),
    finish: async () => {},
  };
}
