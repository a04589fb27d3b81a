const PARTS = 10;
const MAX_PART_MS = 1000;

/**
 * Calls `onExpired` after the deadline, and gives the function that stops it. The deadline is waited for in parts: a
 * process that was stopped for a while, as by `docker pause`, finds only one part over when it continues. Its engine did
 * not run either.
 */
export function startWatchdog(deadlineMs: number, onExpired: () => void): () => void {
  const partMs = Math.min(deadlineMs / PARTS, MAX_PART_MS);
  let leftMs = deadlineMs;
  const timer = setInterval(() => {
    leftMs -= partMs;
    if (leftMs > 0) return;
    clearInterval(timer);
    onExpired();
  }, partMs);
  return () => clearInterval(timer);
}
