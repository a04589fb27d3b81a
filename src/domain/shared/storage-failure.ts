/**
 * The store itself could not answer. `operation` names the port's method, `cause` is what the driver said: for the log,
 * never for a client.
 *
 * - `storage_unavailable`: the database cannot be reached or went away.
 * - `storage_full`: no space is left to write.
 * - `storage_corrupt`: the database found its own files damaged.
 * - `storage_busy`: it is overloaded or lost a race that a repetition may win.
 * - `outcome_unknown`: the database went away while it wrote, so nobody knows whether the write is kept.
 */
export interface StorageFailure {
  readonly kind: "storage_unavailable" | "storage_full" | "storage_corrupt" | "storage_busy" | "outcome_unknown";
  readonly operation: string;
  readonly cause: unknown;
}
