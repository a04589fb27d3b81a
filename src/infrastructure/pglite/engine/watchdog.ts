const PARTS = 10;
const MAX_PART_MS = 1000;

/**
 * Calls `onExpired` after the deadline, and returns the function that stops it. The deadline is divided into several
 * timers. If the process is paused, for example by `docker pause`, only one of them has expired when it continues. Its
 * engine was paused as well.
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
