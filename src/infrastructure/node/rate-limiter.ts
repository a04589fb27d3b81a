import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Clock } from "../../application/ports/clock.ts";
import type { RateLimiter, RatePolicy } from "../../application/ports/rate-limiter.ts";

/** Bounds the memory of a limiter: 50,000 windows of 180 to 300 bytes each, with the key, are 9 to 15 MB. */
const MAX_KEYS = 50_000;
/** Enough for an address with the id of a user, which are 61 characters. Of a longer key the digest is kept. */
const MAX_KEY_LENGTH = 80;
/** More than begin, so that windows that have ended are forgotten while others begin. */
const MAX_FORGOTTEN_AT_ONCE = 2;

interface Window {
  readonly key: string;
  readonly endsAt: number;
  taken: number;
}

/**
 * A fixed-window rate limit, counted in this process. The window of a key begins with the first that it takes.
 *
 * Where there are too many keys, a window of which most is left is evicted first. So a flood of new keys does not reset the
 * counter of one that is near its quota, unless each key of the flood takes more than half of a quota too.
 */
export function rateLimiter(clock: Clock, { quota, windowSeconds }: RatePolicy): RateLimiter {
  const lightlyUsed = windowsInOrder();
  const heavilyUsed = windowsInOrder();
  const windowMs = windowSeconds * 1000;
  // A window that began in the future is from before the clock was set back.
  const isOver = ({ endsAt }: Window, now: number) => now >= endsAt || now < endsAt - windowMs;

  const forgetOver = (windows: WindowsInOrder, now: number) => {
    for (let forgotten = 0; forgotten < MAX_FORGOTTEN_AT_ONCE; forgotten++) {
      const first = windows.first();
      if (first === undefined || !isOver(first, now)) return;
      windows.byKey.delete(first.key);
    }
  };

  const begin = (key: string, now: number): Window => {
    lightlyUsed.byKey.delete(key);
    heavilyUsed.byKey.delete(key);
    forgetOver(lightlyUsed, now);
    forgetOver(heavilyUsed, now);
    if (lightlyUsed.byKey.size + heavilyUsed.byKey.size >= MAX_KEYS) {
      const windows = lightlyUsed.byKey.size > 0 ? lightlyUsed : heavilyUsed;
      const evicted = windows.first();
      if (evicted !== undefined) windows.byKey.delete(evicted.key);
    }
    const window = { key: copyOf(key), endsAt: now + windowMs, taken: 0 };
    lightlyUsed.byKey.set(window.key, window);
    return window;
  };

  return {
    take: (written, cost = 1) => {
      const now = clock.now().getTime();
      const key = written.length > MAX_KEY_LENGTH ? bytesToHex(sha256(utf8ToBytes(written))) : written;
      const known = lightlyUsed.byKey.get(key) ?? heavilyUsed.byKey.get(key);
      const window = known === undefined || isOver(known, now) ? begin(key, now) : known;
      const isExceeded = window.taken + cost > quota;
      if (!isExceeded) window.taken += cost;
      if (window.taken * 2 > quota && lightlyUsed.byKey.delete(key)) heavilyUsed.byKey.set(window.key, window);
      return {
        isExceeded,
        remaining: quota - window.taken,
        resetSeconds: Math.ceil((window.endsAt - now) / 1000),
      };
    },
  };
}

interface WindowsInOrder {
  readonly byKey: Map<string, Window>;
  /** The one that was put there first. */
  first(): Window | undefined;
}

/** Finds the first in constant time: an iterator from the beginning would pass by all that were deleted (V8, OrderedHashMap). */
function windowsInOrder(): WindowsInOrder {
  const byKey = new Map<string, Window>();
  let rest = byKey.values();
  let first: Window | undefined;
  return {
    byKey,
    first: () => {
      while (first === undefined || byKey.get(first.key) !== first) {
        first = rest.next().value;
        if (first !== undefined) continue;
        // An iterator that has come to its end does not see what is added later.
        rest = byKey.values();
        if (byKey.size === 0) return undefined;
      }
      return first;
    },
  };
}

/** A key may be a slice of a whole header, which V8 would keep in memory with it. */
function copyOf(key: string): string {
  return Array.from(key).join("");
}
