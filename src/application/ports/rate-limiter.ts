/** Counts what each does, so that nobody does too much of it. It loses count of some rather than take unbounded memory. */
export interface RateLimiter {
  /** Counts one more by `key`. */
  take(key: string): Quota;
}

/** What is left to somebody who has just taken one. */
export interface Quota {
  /** Whether that one was too many. */
  readonly isExceeded: boolean;
  readonly remaining: number;
  /** After how many seconds, one at least, there is a whole quota again. */
  readonly resetSeconds: number;
}

export interface RatePolicy {
  readonly quota: number;
  readonly windowSeconds: number;
}
