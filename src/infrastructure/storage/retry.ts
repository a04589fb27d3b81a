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
import type { Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import type { Repositories, UnitOfWork } from "../../application/ports/unit-of-work.ts";
import { fail } from "../../domain/shared/fail.ts";
import { isStorageFailure, type StorageFailure } from "../../domain/shared/storage-failure.ts";

const MAX_REPETITIONS = 4;
const FIRST_DELAY_MS = 25;
const MAX_DELAY_MS = 1000;
/** How many calls in a row must find the database away before the others are refused at once. */
const FAILURES_TO_OPEN = 5;
/** How long they are refused before one is let through to see. */
const OPEN_MS = 1000;

/** Where the circuit is open, this is the reason for every call: no stack that the log would hold once for each. */
const IS_AWAY = { sqlState: null, message: "The database is away, and is not asked for a moment." };

interface Ports extends Repositories {
  readonly unitOfWork: UnitOfWork;
}

type Repository = Repositories[keyof Repositories];

/**
 * Repeats what failed for a reason that passes: a call of a repository, or a unit of work as a whole, after a delay that
 * grows and is shared out by chance (full jitter). While the database is away, calls are refused at once instead, and one
 * a second is let through to see whether it is back.
 */
export function withRetry({ users, posts, sessions, idempotencyKeys, unitOfWork }: Ports, log: Log): Ports {
  const generator = fullJitterGenerator;
  const backoff = new ExponentialBackoff({ initialDelay: FIRST_DELAY_MS, maxDelay: MAX_DELAY_MS, generator });
  const again = retry(handleWhenResult(failsWith(({ isTransient }) => isTransient)), {
    maxAttempts: MAX_REPETITIONS,
    backoff,
  });
  const isAway = failsWith(({ reason }) => reason === "unavailable");
  const breaker = new ConsecutiveBreaker(FAILURES_TO_OPEN);
  const circuit = circuitBreaker(handleWhenResult(isAway), { halfOpenAfter: OPEN_MS, breaker });
  circuit.onBreak(() => log.error({}, "the database is away: calls are refused until it is back"));
  circuit.onReset(() => log.warn({}, "the database is back"));
  const policy = wrap(again, circuit);

  const attempted = async <T>(operation: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await policy.execute(call);
    } catch (thrown) {
      if (!(thrown instanceof BrokenCircuitError)) throw thrown;
      return fail({
        kind: "storage_failure",
        reason: "unavailable",
        isTransient: true,
        operation,
        cause: IS_AWAY,
      }) as T;
    }
  };

  const guarded = <R extends Repository>(name: keyof Repositories, repository: R): R =>
    Object.fromEntries(
      Object.entries(repository).map(([method, call]: [string, (...args: unknown[]) => Promise<unknown>]) => [
        method,
        async (...args: unknown[]) => attempted(`${name}.${method}`, async () => call(...args)),
      ]),
    ) as unknown as R;

  return {
    users: guarded("users", users),
    posts: guarded("posts", posts),
    sessions: guarded("sessions", sessions),
    idempotencyKeys: guarded("idempotencyKeys", idempotencyKeys),
    unitOfWork: { run: async (work) => attempted("unitOfWork.run", async () => unitOfWork.run(work)) },
  };
}

/** Whether a call gave a failure of the store of some sort. */
export function failsWith(test: (failure: StorageFailure) => boolean) {
  return (outcome: unknown): boolean => {
    const result = outcome as Result<unknown, { readonly kind: string }>;
    return result.isErr() && isStorageFailure(result.error) && test(result.error);
  };
}
