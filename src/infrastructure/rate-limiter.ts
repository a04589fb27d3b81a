import { LRUCache } from "lru-cache";
import type { Clock } from "../application/ports/clock.ts";
import type { RateLimiter, RatePolicy } from "../application/ports/rate-limiter.ts";

/** Bounds the memory that it takes: some 200 bytes for each. Who was seen longest ago starts anew beyond it. */
const MOST_COUNTED = 50_000;

interface Window {
  readonly endsAt: number;
  taken: number;
}

/** Counts in this process, in windows that begin for each key with the first that it takes. */
export function rateLimiter(clock: Clock, { quota, windowSeconds }: RatePolicy): RateLimiter {
  const windows = new LRUCache<string, Window>({ max: MOST_COUNTED });
  const windowMs = windowSeconds * 1000;
  return {
    take: (key) => {
      const now = clock.now().getTime();
      let window = windows.get(key);
      // One that began in the future is from before the clock was set back.
      if (window === undefined || now >= window.endsAt || now < window.endsAt - windowMs) {
        window = { endsAt: now + windowMs, taken: 0 };
        windows.set(key, window);
      }
      window.taken += 1;
      return {
        isExceeded: window.taken > quota,
        remaining: Math.max(0, quota - window.taken),
        resetSeconds: Math.ceil((window.endsAt - now) / 1000),
      };
    },
  };
}
