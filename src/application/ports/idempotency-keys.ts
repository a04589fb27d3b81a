import type { Result } from "neverthrow";
import type { BatchLimits } from "../../domain/shared/batch.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { IdempotencyKeyInUse, IdempotencyRecord, KeyDigest } from "../../domain/shared/idempotency-record.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { AccountQuotaExceeded } from "../../domain/shared/storage-quota.ts";
import type { UserNotFound } from "../../domain/user/user-repository.ts";

/** Whether a record may take its account beyond the quota. */
export type Admission = "within_quota" | "always";

/** The replay records of requests with an idempotency key. The record of a new post is stored by `PostRepository.insert`. */
export interface IdempotencyKeyRepository {
  /**
   * Claims a key for the unit of work that this repository belongs to; the end of the unit releases it. Fails immediately with
   * `idempotency_key_in_use` when another unit has claimed the key, or when its record has not expired at `now`.
   */
  claim(digest: KeyDigest, now: Date): Promise<Result<void, IdempotencyKeyInUse | StorageFailure>>;

  /**
   * Stores a record. It replaces a record with the same digest that had expired when this one was created. Fails with
   * `idempotency_key_in_use` when that record had not expired, with `user_not_found` when no user has `record.userId`, and
   * with `account_quota_exceeded` when the account would exceed its quota, unless `admission` is `always`.
   */
  insert(
    record: IdempotencyRecord,
    admission: Admission,
  ): Promise<Result<void, IdempotencyKeyInUse | UserNotFound | AccountQuotaExceeded | StorageFailure>>;

  /** The record with this digest, expired or not; `null` when there is none. */
  find(digest: KeyDigest): Promise<Result<IdempotencyRecord | null, StorageFailure>>;

  /** Deletes a batch of the records that have expired at `now`. Returns the number of deleted records. */
  deleteExpired(now: Date, limits: BatchLimits): Promise<Result<number, StorageFailure>>;

  /** Deletes a batch of the records of a user. Returns the number of deleted records. */
  deleteByUser(userId: UserId, limits: BatchLimits): Promise<Result<number, StorageFailure>>;
}
