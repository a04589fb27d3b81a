import type { Log } from "../application/ports/log.ts";
import { startHourly, type HourlyWork } from "./hourly.ts";
import type { RenewTitleKeys } from "../infrastructure/drizzle/title-keys.ts";

/**
 * Gives posts that an older Quire has written the keys of their titles, at the start and once an hour: in a rolling upgrade
 * older processes go on writing. Until then a list places such a post by the code points of its title.
 */
export function startTitleKeyRenewal(renewTitleKeys: RenewTitleKeys, log: Log): HourlyWork {
  return startHourly(async (isStopping) => {
    const renewed = await renewTitleKeys(isStopping);
    if (renewed.isErr()) log.warn({ failure: renewed.error }, "title keys of posts are not renewed yet");
    else if (renewed.value > 0) log.info({ posts: renewed.value }, "title keys of posts were renewed");
  });
}
