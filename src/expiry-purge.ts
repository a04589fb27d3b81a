import type { Log } from "./application/ports/log.ts";
import type { UseCases } from "./application/use-cases.ts";

const PURGE_INTERVAL_MS = 3_600_000;

/** Removes expired sessions and idempotency keys, at the start and once an hour. */
export interface ExpiryPurge {
  /** Begins no other, and waits for the one that runs: the storage may be closed then. */
  stop(): Promise<void>;
}

export function startExpiryPurge(
  useCases: Pick<UseCases, "purgeExpiredSessions" | "purgeExpiredIdempotencyKeys">,
  log: Log,
): ExpiryPurge {
  let isStopping = false;

  const purge = async (): Promise<void> => {
    const sessions = await useCases.purgeExpiredSessions(() => isStopping);
    if (sessions.isErr()) log.warn({ failure: sessions.error }, "expired sessions stay for now");
    if (isStopping) return;
    const keys = await useCases.purgeExpiredIdempotencyKeys(() => isStopping);
    if (keys.isErr()) log.warn({ failure: keys.error }, "expired idempotency keys stay for now");
  };

  let last = purge();
  const timer = setInterval(() => {
    last = last.then(purge);
  }, PURGE_INTERVAL_MS);

  return {
    stop: async () => {
      isStopping = true;
      clearInterval(timer);
      await last;
    },
  };
}
