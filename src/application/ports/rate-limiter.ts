/** Counts what is done by each key, so that nobody does too much. It loses count of some rather than take unbounded memory. */
export interface RateLimiter {
  /** Takes `cost` units, 1 by default, from what is left to `key`; none where fewer are left. */
  take(key: string, cost?: number): Quota;
}

/** The units that a key has left in its window. */
export interface Quota {
  /** Whether fewer units were left than were to be taken. */
  readonly isExceeded: boolean;
  readonly remaining: number;
  /** After how many seconds, one at least, there is a whole quota again. */
  readonly resetSeconds: number;
}

export interface RatePolicy {
  /** How many units a key may take in a window. No cost is larger. */
  readonly quota: number;
  readonly windowSeconds: number;
}
