const CHECK_MS = 5;

/** Waits until a condition is true, but not longer than `maxMs`. */
export async function waitUntil(isTrue: () => boolean, maxMs: number): Promise<void> {
  const until = performance.now() + maxMs;
  while (!isTrue() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
}
