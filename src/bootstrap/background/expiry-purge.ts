import type { UseCases } from "../../application/application.ts";
import type { Log } from "../../application/ports/log.ts";
import { startPeriodicWork, type PeriodicWork } from "./periodic-work.ts";

const INTERVAL_MS = 3_600_000;

type Purges = Pick<UseCases, "purgeExpiredSessions" | "purgeExpiredIdempotencyKeys">;

/** Deletes expired sessions and idempotency keys, at the start and once an hour. */
export function startExpiryPurge(useCases: Purges, log: Log): PeriodicWork {
  return startPeriodicWork({
    intervalMs: INTERVAL_MS,
    run: async (isStopping) => purgeExpired(useCases, log, isStopping),
  });
}

/** Deletes expired sessions and idempotency keys once. */
export async function purgeExpired(useCases: Purges, log: Log, isStopping: () => boolean): Promise<void> {
  const sessions = await useCases.purgeExpiredSessions(isStopping);
  if (sessions.isErr()) log.warn({ failure: sessions.error }, "expired sessions were not deleted");
  if (isStopping()) return;
  const keys = await useCases.purgeExpiredIdempotencyKeys(isStopping);
  if (keys.isErr()) log.warn({ failure: keys.error }, "expired idempotency keys were not deleted");
}
