import type { Clock } from "../../application/ports/clock.ts";
import type { StorageProbe } from "../../application/ports/storage-probe.ts";

/** Ten checks a second are nothing to a database, and no load balancer asks as often. */
const MAX_AGE_MS = 100;

/**
 * Asks the storage at most ten times a second, however many ask for its readiness: those that ask within 100 ms of a check, or
 * of its answer, share it (single-flight). A check that hangs with the database is not waited for by later ones, which may
 * hear sooner that it is not ready. Readiness is not rate limited.
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
      const asked: NonNullable<typeof latest> = { check: probe.check(), since: clock.now().getTime() };
      latest = asked;
      try {
        return await asked.check;
      } finally {
        asked.since = clock.now().getTime();
      }
    },
  };
}
