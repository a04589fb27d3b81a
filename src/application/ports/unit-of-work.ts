import type { Result } from "neverthrow";
import type { PostRepository } from "../../domain/post/post-repository.ts";
import type { SessionRepository } from "../../domain/session/session-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { UserRepository } from "../../domain/user/user-repository.ts";
import type { IdempotencyKeyRepository } from "./idempotency-keys.ts";

export interface Repositories {
  readonly users: UserRepository;
  readonly posts: PostRepository;
  readonly sessions: SessionRepository;
  readonly idempotencyKeys: IdempotencyKeyRepository;
}

export interface UnitOfWork {
  /**
   * Runs `work` on repositories of its own, which stand for one transaction: when `work` gives an `ok`, all that it
   * wrote is kept; when it gives an `err` or throws, nothing is. Inside, only these repositories may be used: the
   * outer ones wait for the unit to end, or show what was there before it. After a repository has failed, `work` must
   * give an `err`. It may be run again from its beginning, when the unit was undone for a reason that passes.
   */
  run<T, E>(work: (repositories: Repositories) => Promise<Result<T, E>>): Promise<Result<T, E | StorageFailure>>;
}
