import type { Result } from "neverthrow";
import type { UseCases } from "../../application/application.ts";
import type { Log } from "../../application/ports/log.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { systemClock } from "../../infrastructure/node/system-clock.ts";
import { startPeriodicWork, type PeriodicWork } from "./periodic-work.ts";

const INTERVAL_MS = 3_600_000;

interface Purges extends Pick<UseCases, "purgeExpiredSessions" | "purgeExpiredIdempotencyKeys"> {
  /** Deletes the rate limits that have ended, in a storage that can count them. */
  readonly purgeRateLimits?: ((now: Date) => Promise<Result<void, StorageFailure>>) | undefined;
}

/** Deletes expired sessions, idempotency keys and rate limits, at the start and once an hour. */
export function startExpiryPurge(purges: Purges, log: Log): PeriodicWork {
  return startPeriodicWork({
    intervalMs: INTERVAL_MS,
    run: async (isStopping) => purgeExpired(purges, log, isStopping),
  });
}

/** Deletes expired sessions, idempotency keys and rate limits once. */
export async function purgeExpired(purges: Purges, log: Log, isStopping: () => boolean): Promise<void> {
  const sessions = await purges.purgeExpiredSessions(isStopping);
  if (sessions.isErr()) log.warn({ failure: sessions.error }, "expired sessions were not deleted");
  if (isStopping()) return;
  const keys = await purges.purgeExpiredIdempotencyKeys(isStopping);
  if (keys.isErr()) log.warn({ failure: keys.error }, "expired idempotency keys were not deleted");
  if (purges.purgeRateLimits === undefined || isStopping()) return;
  const limits = await purges.purgeRateLimits(systemClock.now());
  if (limits.isErr()) log.warn({ failure: limits.error }, "ended rate limits were not deleted");
}
