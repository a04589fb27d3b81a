import type { Log } from "../application/ports/log.ts";
import type { UseCases } from "../application/application.ts";
import { startHourly, type HourlyWork } from "./hourly.ts";

/** Removes expired sessions and idempotency keys, at the start and once an hour. */
export function startExpiryPurge(
  useCases: Pick<UseCases, "purgeExpiredSessions" | "purgeExpiredIdempotencyKeys">,
  log: Log,
): HourlyWork {
  return startHourly(async (isStopping) => {
    const sessions = await useCases.purgeExpiredSessions(isStopping);
    if (sessions.isErr()) log.warn({ failure: sessions.error }, "expired sessions stay for now");
    if (isStopping()) return;
    const keys = await useCases.purgeExpiredIdempotencyKeys(isStopping);
    if (keys.isErr()) log.warn({ failure: keys.error }, "expired idempotency keys stay for now");
  });
}
