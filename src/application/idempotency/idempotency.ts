import type { UserId } from "../../domain/shared/id.ts";
import type { IdempotencyKeyInUse } from "../../domain/shared/idempotency-record.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { AccountQuotaExceeded } from "../../domain/shared/storage-quota.ts";
import type { InvalidSession } from "../sessions/authenticate.ts";

/**
 * A request that its client may repeat. Within 24 hours, a repetition with the same key, owner, operation and body returns the
 * stored result and does nothing else.
 */
export interface Idempotency {
  /** The key that the client chose, at least 16 characters. */
  readonly key: string;
  /** The user whose key it is; `null` for a request without a session, whose key belongs to the operation. */
  readonly owner: UserId | null;
  /** The operation and its resource, such as `POST /v1/posts`. */
  readonly operation: string;
  /** The input as the client sent it. */
  readonly body: string;
}

/** The result of a use case, and whether it comes from an earlier run of the same request. */
export interface Outcome<T> {
  readonly value: T;
  readonly isReplayed: boolean;
}

/** The idempotency key belongs to another request. */
export interface IdempotencyKeyReused {
  readonly kind: "idempotency_key_reused";
}

/** The failures that an idempotency key adds to a use case. */
export type IdempotencyError =
  IdempotencyKeyReused | IdempotencyKeyInUse | InvalidSession | AccountQuotaExceeded | StorageFailure;
