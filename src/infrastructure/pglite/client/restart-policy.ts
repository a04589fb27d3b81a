/** Decides when a failed engine is restarted: with exponential backoff, and a bounded number of times in a row. */
export interface RestartPolicy {
  /** Counts a failure. Returns the delay before the restart, or `give_up` after too many failures in a row. */
  afterFailure():
    { readonly kind: "give_up"; readonly failures: number } | { readonly kind: "wait"; readonly ms: number };
}

const MAX_FAILURES = 8;
const WINDOW_MS = 60_000;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5000;

export function restartPolicy(): RestartPolicy {
  const failedAt: number[] = [];
  return {
    afterFailure: () => {
      const now = performance.now();
      failedAt.push(now);
      while ((failedAt[0] ?? now) < now - WINDOW_MS) failedAt.shift();
      const failures = failedAt.length;
      return failures > MAX_FAILURES ? { kind: "give_up", failures } : { kind: "wait", ms: backoffMs(failures - 1) };
    },
  };
}

/** The delay before a restart, by the number of failed restarts before it. */
export function backoffMs(failedRestarts: number): number {
  return failedRestarts === 0 ? 0 : Math.min(FIRST_BACKOFF_MS * 2 ** (failedRestarts - 1), MAX_BACKOFF_MS);
}
