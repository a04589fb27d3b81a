import type { Result } from "neverthrow";
import type { Post } from "../../domain/post/post.ts";
import type { AuthorNotFound } from "../../domain/post/post-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { AccountQuotaExceeded } from "../../domain/shared/storage-quota.ts";
import type { IdempotencyKeyInUse } from "../ports/idempotency-keys.ts";
import type { Answer } from "../ports/idempotency-cipher.ts";
import type { Repositories } from "../ports/unit-of-work.ts";
import type { InvalidSession } from "../sessions/authenticate.ts";

/** The very same request, with the same idempotency key, was done before: this is what it was answered. */
export interface AnsweredBefore {
  readonly kind: "answered_before";
  readonly answer: Answer;
}

/** The idempotency key is that of another request. */
export interface IdempotencyKeyReused {
  readonly kind: "idempotency_key_reused";
}

export type CommitError =
  AnsweredBefore | IdempotencyKeyReused | IdempotencyKeyInUse | InvalidSession | AccountQuotaExceeded | StorageFailure;

/**
 * Does the write that a use case has come to, and gives its outcome once it is kept. What takes long, such as hashing a
 * password, comes before it; what `write` reads and writes is on the repositories that it is given.
 */
export type Commit<T> = <E>(write: (on: Repositories) => Promise<Result<T, E>>) => Promise<Result<T, E | CommitError>>;

/** Stores the new post that a use case has come to: a write that is so frequent that it has one statement. */
export type StorePost = (post: Post) => Promise<Result<void, AuthorNotFound | CommitError>>;

/** Writes without a transaction: for a use case that writes once. */
export function directly<T>(on: Repositories): Commit<T> {
  return async (write) => write(on);
}
