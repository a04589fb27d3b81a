/**
 * The limits of one statement of a bulk change, because other requests wait while it runs. The row that brings the batch to
 * `bytes` is the last one, so a batch has at least one row.
 */
export interface BatchLimits {
  readonly rows: number;
  /** Counted as the quota counts them (storage-quota.ts). */
  readonly bytes: number;
}
