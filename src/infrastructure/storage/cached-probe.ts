import type { Clock } from "../../application/ports/clock.ts";
import type { StorageProbe } from "../../application/ports/storage-probe.ts";

/** Ten checks a second cost a database little, and no load balancer checks more often. */
const MAX_AGE_MS = 100;

/**
 * Limits the checks of the storage to ten a second, since readiness is not rate limited. Checks share one result
 * (single-flight) when they come within 100 ms of its start or of its end. A check does not wait for an older one that
 * hangs.
 */
export function cachedProbe(probe: StorageProbe, clock: Clock): StorageProbe {
  let latest: { readonly check: ReturnType<StorageProbe["check"]>; since: number } | null = null;

  const isFresh = ({ since }: { readonly since: number }) => {
    const age = clock.now().getTime() - since;
    // The clock may have been set back.
    return age >= 0 && age < MAX_AGE_MS;
  };

  return {
    check: async () => {
      if (latest !== null && isFresh(latest)) return latest.check;
      const started: NonNullable<typeof latest> = { check: probe.check(), since: clock.now().getTime() };
      latest = started;
      try {
        return await started.check;
      } finally {
        started.since = clock.now().getTime();
      }
    },
  };
}
