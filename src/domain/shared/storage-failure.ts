/**
 * Why the store failed.
 *
 * - `unavailable`: the database cannot be reached, or it went away.
 * - `full`: no space is left to write.
 * - `corrupt`: the database found its own files damaged.
 * - `busy`: the database is overloaded, or the call lost a race.
 * - `cancelled`: nobody waits for the result any more, so the call was not begun.
 * - `outcome_unknown`: the database went away during a write, which may or may not be stored.
 */
export type StorageFailureReason = "unavailable" | "full" | "corrupt" | "busy" | "cancelled" | "outcome_unknown";

/** The store failed. The adapter sets every field, because only the adapter knows its driver. */
export interface StorageFailure {
  readonly kind: "storage_failure";
  readonly reason: StorageFailureReason;
  /** Whether the same call may succeed soon, and it is certain that this one wrote nothing. Never with `outcome_unknown`. */
  readonly isTransient: boolean;
  /** The method of the port that failed, such as `posts.insert`. */
  readonly operation: string;
  /** What the driver said: for the log, never for a client. */
  readonly cause: unknown;
}

export function isStorageFailure(error: { readonly kind: string }): error is StorageFailure {
  return error.kind === "storage_failure";
}

/** The failure of a read that was skipped, as its signal was aborted before it began. */
export function cancelledRead(operation: string): StorageFailure {
  const cause = { message: "Nobody waits for the result any more." };
  return { kind: "storage_failure", reason: "cancelled", isTransient: false, operation, cause };
}
