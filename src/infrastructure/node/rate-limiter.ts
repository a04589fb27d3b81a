import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { ok } from "neverthrow";
import type { Clock } from "../../application/ports/clock.ts";
import type { RateLimiter, RatePolicy } from "../../application/ports/rate-limiter.ts";

/** Bounds the memory of a limiter: 50,000 windows with their keys, 180 to 300 bytes each, take 9 to 15 MB. */
const MAX_KEYS = 50_000;
/** An address with the id of a user has 61 characters. A longer key is replaced by its digest. */
const MAX_KEY_LENGTH = 80;
/** More than one, so that ended windows are removed faster than new ones start. */
const MAX_REMOVED_AT_ONCE = 2;

interface Window {
  readonly key: string;
  readonly endsAt: number;
  taken: number;
}

/**
 * A fixed-window rate limit, counted in this process. The window of a key starts with its first request.
 *
 * If there are too many keys, windows below half of their quota are evicted first. So a flood of new keys does not reset the
 * counter of a key near its quota, unless each key of the flood uses more than half of a quota too.
 */
export function rateLimiter(clock: Clock, { quota, windowSeconds }: RatePolicy): RateLimiter {
  const lightlyUsed = windowsInOrder();
  const heavilyUsed = windowsInOrder();
  const windowMs = windowSeconds * 1000;
  // A window that starts in the future was created before the clock was set back.
  const isOver = ({ endsAt }: Window, now: number) => now >= endsAt || now < endsAt - windowMs;

  const removeEnded = (windows: WindowsInOrder, now: number) => {
    for (let removed = 0; removed < MAX_REMOVED_AT_ONCE; removed++) {
      const first = windows.first();
      if (first === undefined || !isOver(first, now)) return;
      windows.byKey.delete(first.key);
    }
  };

  const begin = (key: string, now: number): Window => {
    lightlyUsed.byKey.delete(key);
    heavilyUsed.byKey.delete(key);
    removeEnded(lightlyUsed, now);
    removeEnded(heavilyUsed, now);
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
      const resetSeconds = Math.ceil((window.endsAt - now) / 1000);
      return ok({ isExceeded, remaining: quota - window.taken, resetSeconds });
    },
  };
}

interface WindowsInOrder {
  readonly byKey: Map<string, Window>;
  /** The oldest window. */
  first(): Window | undefined;
}

/** Finds the first window in constant time: a new iterator would skip all deleted entries one by one (V8, OrderedHashMap). */
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
        // A finished iterator does not see later entries.
        rest = byKey.values();
        if (byKey.size === 0) return undefined;
      }
      return first;
    },
  };
}

/** Copies a key: it may be a slice of a header, which V8 would keep in memory with it. */
function copyOf(key: string): string {
  return Array.from(key).join("");
}
