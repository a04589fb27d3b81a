import type { Result } from "neverthrow";
import type { BatchLimits } from "../../domain/shared/batch.ts";
import type { Branded } from "../../domain/shared/branded.ts";
import type { Id, UserId } from "../../domain/shared/id.ts";
import type { Post } from "../../domain/post/post.ts";
import type { AuthorNotFound } from "../../domain/post/post-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { ROW_BYTES, type AccountQuotaExceeded } from "../../domain/shared/storage-quota.ts";
import type { UserNotFound } from "../../domain/user/user-repository.ts";

/** What a key is found by: a one-way function of the key and of who may use it, as lower-case hexadecimal. */
export type KeyDigest = Branded<string, "KeyDigest">;

/** A request as its key has it, so that another one with the same key is told from it. */
export type Fingerprint = Branded<string, "Fingerprint">;

/** What a request was answered, encrypted with its key: nobody reads it who has the database alone. */
export type SealedAnswer = Branded<string, "SealedAnswer">;

/** That a request with an idempotency key was done, and what it was answered. */
export interface IdempotencyRecord {
  readonly id: Id<"IdempotencyRecord">;
  readonly keyDigest: KeyDigest;
  /** Who made the request, or came of it: the record goes when they do. */
  readonly userId: UserId;
  readonly fingerprint: Fingerprint;
  readonly answer: SealedAnswer;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** A request with the same key has been done, or is being done. */
export interface IdempotencyKeyInUse {
  readonly kind: "idempotency_key_in_use";
}

/** The bytes that a record adds to the usage of its account. A sealed answer is ASCII, so its length is its bytes. */
export function storedRecordBytes({ answer }: Pick<IdempotencyRecord, "answer">): number {
  return ROW_BYTES + answer.length;
}

/** Whether a record may take an account beyond its quota. */
export type Admission = "within_quota" | "always";

export interface IdempotencyKeyRepository {
  /**
   * Takes a key for the unit of work that this repository is of, however that ends. Fails with `idempotency_key_in_use`, at
   * once, when another unit has it, or when there is a record with this digest that has not expired at `now`.
   */
  claim(digest: KeyDigest, now: Date): Promise<Result<void, IdempotencyKeyInUse | StorageFailure>>;

  /**
   * Stores a record, in the place of one with the same digest that has expired when this one was created. Fails with
   * `idempotency_key_in_use` when there is one that has not, with `user_not_found` when no user has `record.userId`, and with
   * `account_quota_exceeded` when the account would have stored more than its quota, unless it is admitted always.
   */
  insert(
    record: IdempotencyRecord,
    admission: Admission,
  ): Promise<Result<void, IdempotencyKeyInUse | UserNotFound | AccountQuotaExceeded | StorageFailure>>;

  /**
   * Does the same for the record of a request that made a new post, and stores the post with it: both or neither. It needs
   * no unit of work: it takes the key as `claim` does while it runs. Both count towards the quota of the account, which is the
   * author's. Fails with `author_not_found` as well, when no user has `post.authorId`.
   */
  insertWithPost(
    record: IdempotencyRecord,
    post: Post,
  ): Promise<Result<void, IdempotencyKeyInUse | UserNotFound | AuthorNotFound | AccountQuotaExceeded | StorageFailure>>;

  /** The record with this digest, an expired one too; `null` when there is none. */
  find(digest: KeyDigest): Promise<Result<IdempotencyRecord | null, StorageFailure>>;

  /** Removes a batch of records that have expired at `now`, and gives how many. */
  deleteExpired(now: Date, limits: BatchLimits): Promise<Result<number, StorageFailure>>;

  /** Removes a batch of the records of a user, and gives how many. */
  deleteByUser(userId: UserId, limits: BatchLimits): Promise<Result<number, StorageFailure>>;
}
