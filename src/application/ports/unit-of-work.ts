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
   * Runs `work` as one transaction, on its own repositories. All its writes are stored when it returns an `ok`, and none when it
   * returns an `err` or throws. `work` must use only these repositories: the outer ones wait for the unit to end, or show the
   * state before it. After a repository has failed, `work` must return an `err`. It may run again from its beginning, after a
   * transient failure that rolled the unit back.
   */
  run<T, E>(work: (repositories: Repositories) => Promise<Result<T, E>>): Promise<Result<T, E | StorageFailure>>;
}
