import type { Log } from "../../application/ports/log.ts";
import type { RenewTitleKeys } from "../../infrastructure/drizzle/title-keys.ts";
import { startPeriodicWork, type PeriodicWork } from "./periodic-work.ts";

const INTERVAL_MS = 3_600_000;

/**
 * Computes the title keys of posts that an older Quire has written, at the start and once an hour: during a rolling upgrade
 * older processes still write. Until then a list sorts such a post by the code points of its title.
 */
export function startTitleKeyRenewal(renewTitleKeys: RenewTitleKeys, log: Log): PeriodicWork {
  return startPeriodicWork({
    intervalMs: INTERVAL_MS,
    run: async (isStopping) => renewOutdatedTitleKeys(renewTitleKeys, log, isStopping),
  });
}

/** Computes the missing title keys once. */
export async function renewOutdatedTitleKeys(
  renewTitleKeys: RenewTitleKeys,
  log: Log,
  isStopping: () => boolean,
): Promise<void> {
  const renewed = await renewTitleKeys(isStopping);
  if (renewed.isErr()) log.warn({ failure: renewed.error }, "title keys of posts were not renewed");
  else if (renewed.value > 0) log.info({ posts: renewed.value }, "title keys of posts were renewed");
}
