import type { Result, ResultAsync } from "neverthrow";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";

/** A rate limiter with a quota for each key. Its memory is bounded: when it is full, it drops the counts of some keys. */
export interface RateLimiter {
  /**
   * Takes `cost` units, 1 by default, from the remaining units of `key`. Takes none if fewer remain. A limiter that counts outside
   * of the process answers later, and may fail with `storage_failure`; one in the process answers at once.
   */
  take(key: string, cost?: number): Result<Quota, never> | ResultAsync<Quota, StorageFailure>;
}

/** The units that a key has left in its window. */
export interface Quota {
  /** True if fewer units remained than the call requested. */
  readonly isExceeded: boolean;
  readonly remaining: number;
  /** The seconds until the whole quota is available again, at least one. */
  readonly resetSeconds: number;
}

export interface RatePolicy {
  /** Separates its counts from those of other policies, in every process that shares them. */
  readonly name: string;
  /** The number of units that a key may take in a window. No cost is larger. */
  readonly quota: number;
  readonly windowSeconds: number;
}
