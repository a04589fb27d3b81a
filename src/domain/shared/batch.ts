/**
 * How much one statement of a bulk change may touch: it holds the storage for as long as it takes, and others wait. The row
 * that brings the batch to `bytes` is the last of it, so a batch has one row at least.
 */
export interface BatchLimits {
  readonly rows: number;
  /** As the quota counts them (storage-quota.ts). */
  readonly bytes: number;
}
