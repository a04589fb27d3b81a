import {
  BrokenCircuitError,
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  fullJitterGenerator,
  handleWhenResult,
  retry,
  wrap,
} from "cockatiel";
import { Err, type Result } from "neverthrow";
import type { IdempotencyKeyRepository } from "../../application/ports/idempotency-keys.ts";
import type { Log } from "../../application/ports/log.ts";
import type { Storage } from "../../application/ports/storage.ts";
import type { PostRepository } from "../../domain/post/post-repository.ts";
import type { SessionRepository } from "../../domain/session/session-repository.ts";
import { fail } from "../../domain/shared/fail.ts";
import { isStorageFailure, type StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { UserRepository } from "../../domain/user/user-repository.ts";

export const MAX_ATTEMPTS = 5;
const FIRST_DELAY_MS = 25;
/** The upper bound of the sum of all delays: 25 + 50 + 100 + 200 ms. */
export const MAX_TOTAL_DELAY_MS = FIRST_DELAY_MS * (2 ** (MAX_ATTEMPTS - 1) - 1);

/** The circuit breaker opens after this many consecutive attempts that found the database unavailable. */
const FAILURES_TO_OPEN = 5;
/** An open circuit breaker refuses every call for this long, and then lets one through as a probe. */
const OPEN_MS = 1000;

/** The cause of a refused call: no stack trace, which the log would hold once for each call. */
const CIRCUIT_OPEN = { sqlState: null, message: "The circuit breaker is open: the database was unavailable." };

/** Runs a call of a port, which `operation` names, and retries it after a transient failure. */
type Attempt = <T, E>(
  operation: string,
  call: () => Promise<Result<T, E | StorageFailure>>,
) => Promise<Result<T, E | StorageFailure>>;

/**
 * Retries every call that fails with a transient {@link StorageFailure}: a single call of a repository, or a whole unit of
 * work. This is the only place that retries a call of the storage. Exponential backoff with full jitter separates the
 * attempts, and a circuit breaker refuses calls while the database is unavailable.
 *
 * At worst a call makes 5 attempts and waits 375 ms between them. A server that does not answer costs the connect timeout
 * (5 s by default) each time: 25.4 s in all, after which the circuit breaker is open and other calls fail immediately.
 */
export function withRetry(storage: Storage, log: Log): Storage {
  const { users, posts, sessions, idempotencyKeys, unitOfWork, probe } = storage;
  const attempt = retrying(log);
  return {
    users: retryUsers(users, attempt),
    posts: retryPosts(posts, attempt),
    sessions: retrySessions(sessions, attempt),
    idempotencyKeys: retryIdempotencyKeys(idempotencyKeys, attempt),
    unitOfWork: { run: async (work) => attempt("unitOfWork.run", async () => unitOfWork.run(work)) },
    // A readiness check reports the current state of the database, so it is neither retried nor refused.
    probe: { check: async (...args) => probe.check(...args) },
    close: async () => storage.close(),
  };
}

function retrying(log: Log): Attempt {
  const backoff = new ExponentialBackoff({ initialDelay: FIRST_DELAY_MS, generator: fullJitterGenerator });
  const isTransient = failsWith((failure) => failure.isTransient);
  const isUnavailable = failsWith(({ reason }) => reason === "unavailable");
  const retries = retry(handleWhenResult(isTransient), { maxAttempts: MAX_ATTEMPTS - 1, backoff });
  const breaker = new ConsecutiveBreaker(FAILURES_TO_OPEN);
  const circuit = circuitBreaker(handleWhenResult(isUnavailable), { halfOpenAfter: OPEN_MS, breaker });
  circuit.onBreak(() => log.error({}, "circuit breaker opened: the database is unavailable"));
  circuit.onReset(() => log.warn({}, "circuit breaker closed: the database is available again"));
  const policy = wrap(retries, circuit);
  return async (operation, call) => {
    try {
      return await policy.execute(call);
    } catch (thrown) {
      if (!(thrown instanceof BrokenCircuitError)) throw thrown;
      const reason = "unavailable";
      return fail({ kind: "storage_failure", reason, isTransient: true, operation, cause: CIRCUIT_OPEN });
    }
  };
}

/** Returns a predicate of a result: true for a failure of the store that fulfils `test`. */
export function failsWith(test: (failure: StorageFailure) => boolean) {
  return (outcome: unknown): boolean => {
    if (!(outcome instanceof Err)) return false;
    const { error } = outcome as Err<unknown, { readonly kind: string }>;
    return isStorageFailure(error) && test(error);
  };
}

// Each method is named, so that an adapter may be a class and a new method of a port does not compile until it is added here.

function retryUsers(users: UserRepository, attempt: Attempt): UserRepository {
  return {
    insert: async (...args) => attempt("users.insert", async () => users.insert(...args)),
    findById: async (...args) => attempt("users.findById", async () => users.findById(...args)),
    findByEmail: async (...args) => attempt("users.findByEmail", async () => users.findByEmail(...args)),
    hasAdmin: async (...args) => attempt("users.hasAdmin", async () => users.hasAdmin(...args)),
    list: async (...args) => attempt("users.list", async () => users.list(...args)),
    update: async (...args) => attempt("users.update", async () => users.update(...args)),
    upgradePasswordHash: async (...args) =>
      attempt("users.upgradePasswordHash", async () => users.upgradePasswordHash(...args)),
    requestRemoval: async (...args) => attempt("users.requestRemoval", async () => users.requestRemoval(...args)),
    findRemoval: async (...args) => attempt("users.findRemoval", async () => users.findRemoval(...args)),
    listRemovals: async (...args) => attempt("users.listRemovals", async () => users.listRemovals(...args)),
    delete: async (...args) => attempt("users.delete", async () => users.delete(...args)),
  };
}

function retryPosts(posts: PostRepository, attempt: Attempt): PostRepository {
  return {
    insert: async (...args) => attempt("posts.insert", async () => posts.insert(...args)),
    findById: async (...args) => attempt("posts.findById", async () => posts.findById(...args)),
    hasPublished: async (...args) => attempt("posts.hasPublished", async () => posts.hasPublished(...args)),
    list: async (...args) => attempt("posts.list", async () => posts.list(...args)),
    search: async (...args) => attempt("posts.search", async () => posts.search(...args)),
    update: async (...args) => attempt("posts.update", async () => posts.update(...args)),
    delete: async (...args) => attempt("posts.delete", async () => posts.delete(...args)),
    deleteByAuthor: async (...args) => attempt("posts.deleteByAuthor", async () => posts.deleteByAuthor(...args)),
    reassign: async (...args) => attempt("posts.reassign", async () => posts.reassign(...args)),
  };
}

function retrySessions(sessions: SessionRepository, attempt: Attempt): SessionRepository {
  return {
    insert: async (...args) => attempt("sessions.insert", async () => sessions.insert(...args)),
    findByTokenDigest: async (...args) =>
      attempt("sessions.findByTokenDigest", async () => sessions.findByTokenDigest(...args)),
    listByUser: async (...args) => attempt("sessions.listByUser", async () => sessions.listByUser(...args)),
    renew: async (...args) => attempt("sessions.renew", async () => sessions.renew(...args)),
    delete: async (...args) => attempt("sessions.delete", async () => sessions.delete(...args)),
    deleteOldest: async (...args) => attempt("sessions.deleteOldest", async () => sessions.deleteOldest(...args)),
    deleteByUser: async (...args) => attempt("sessions.deleteByUser", async () => sessions.deleteByUser(...args)),
    deleteExpired: async (...args) => attempt("sessions.deleteExpired", async () => sessions.deleteExpired(...args)),
  };
}

function retryIdempotencyKeys(keys: IdempotencyKeyRepository, attempt: Attempt): IdempotencyKeyRepository {
  return {
    claim: async (...args) => attempt("idempotencyKeys.claim", async () => keys.claim(...args)),
    insert: async (...args) => attempt("idempotencyKeys.insert", async () => keys.insert(...args)),
    find: async (...args) => attempt("idempotencyKeys.find", async () => keys.find(...args)),
    deleteExpired: async (...args) => attempt("idempotencyKeys.deleteExpired", async () => keys.deleteExpired(...args)),
    deleteByUser: async (...args) => attempt("idempotencyKeys.deleteByUser", async () => keys.deleteByUser(...args)),
  };
}
