import type { Clock } from "../application/ports/clock.ts";
import type { StorageProbe } from "../application/ports/storage-probe.ts";

/** Ten checks a second are nothing to a database, and no load balancer asks as often. */
const MAX_AGE_MS = 100;

/**
 * Asks the storage at most ten times a second, however many ask for its readiness: those that ask while it is being asked
 * get the same answer (single-flight), and so do those that ask soon after. Readiness is not rate limited.
 */
export function cachedProbe(probe: StorageProbe, clock: Clock): StorageProbe {
  let latest: { readonly check: ReturnType<StorageProbe["check"]>; endedAt: number | null } | null = null;

  const isFresh = ({ endedAt }: { readonly endedAt: number | null }) => {
    if (endedAt === null) return true;
    const age = clock.now().getTime() - endedAt;
    // The clock may have been set back.
    return age >= 0 && age < MAX_AGE_MS;
  };

  return {
    check: async () => {
      if (latest !== null && isFresh(latest)) return latest.check;
      const asked: NonNullable<typeof latest> = { check: probe.check(), endedAt: null };
      latest = asked;
      try {
        return await asked.check;
      } finally {
        asked.endedAt = clock.now().getTime();
      }
    },
  };
}
