/**
 * Why the store failed.
 *
 * - `unavailable`: the database cannot be reached, or the connection was lost.
 * - `full`: no space is left to write.
 * - `corrupt`: the database found its own files damaged.
 * - `busy`: the database is overloaded, or the call lost a race.
 * - `cancelled`: the signal was aborted before the call began, so the call was skipped.
 * - `outcome_unknown`: the connection was lost during a write, which may or may not be stored.
 */
export type StorageFailureReason = "unavailable" | "full" | "corrupt" | "busy" | "cancelled" | "outcome_unknown";

/** The store failed. The adapter sets every field, because the fields depend on its driver. */
export interface StorageFailure {
  readonly kind: "storage_failure";
  readonly reason: StorageFailureReason;
  /** True if the call wrote nothing and may succeed when it is retried. Never true with `outcome_unknown`. */
  readonly isTransient: boolean;
  /** The method of the port that failed, such as `posts.insert`. */
  readonly operation: string;
  /** The report of the driver, for the log. It must not reach a client. */
  readonly cause: unknown;
}

export function isStorageFailure(error: { readonly kind: string }): error is StorageFailure {
  return error.kind === "storage_failure";
}

/** The failure of a read that was skipped, because its signal was aborted before it began. */
export function cancelledRead(operation: string): StorageFailure {
  const cause = { message: "The signal was aborted before the read began." };
  return { kind: "storage_failure", reason: "cancelled", isTransient: false, operation, cause };
}
