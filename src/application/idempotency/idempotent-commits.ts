import { err, ok, safeTry, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { IdempotencyRecord, KeyDigest } from "../../domain/shared/idempotency-record.ts";
import type { Post } from "../../domain/post/post.ts";
import type { RecordedPost } from "../../domain/post/post-repository.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdempotencyCipher, RequestCipher } from "../ports/idempotency-cipher.ts";
import type { IdempotencyKeyRepository } from "../ports/idempotency-keys.ts";
import type { Repositories, UnitOfWork } from "../ports/unit-of-work.ts";
import { newPostSnapshot } from "../posts/post-snapshot.ts";
import type { Idempotency, IdempotencyError, IdempotencyKeyReused, Outcome } from "./idempotency.ts";
import { isPlainResult, plainResult, snapshotText, valueOfSnapshot, type Snapshot } from "./snapshot.ts";

const RETENTION_MS = 24 * 3_600_000;

export interface IdempotentCommitsDependencies extends Repositories {
  readonly unitOfWork: UnitOfWork;
  readonly idempotencyCipher: IdempotencyCipher;
  readonly clock: Clock;
}

/** The write that ends a use case. */
export interface Commit<T, E> {
  /** Reads and writes on the given repositories. Slow work, such as hashing a password, comes before it. */
  readonly write: (repositories: Repositories) => Promise<Result<T, E>>;
  readonly snapshot: Snapshot<T>;
  /** The user that the record of a request without an owner belongs to. */
  readonly userId: UserId;
  /** True if it writes several times, so that it needs a unit of work even without an idempotency key. */
  readonly isUnit: boolean;
}

export type IdempotentCommits = ReturnType<typeof idempotentCommits>;

/**
 * Commits writes, once for each idempotency key: the result is stored in the transaction of the write, and a repeated
 * request returns the stored result. Only success is stored. A request that failed runs again, because the reason for the
 * failure may have ended.
 */
export function idempotentCommits(dependencies: IdempotentCommitsDependencies) {
  const { unitOfWork, idempotencyCipher, clock, ...repositories } = dependencies;
  const once = oncePerKey(repositories.idempotencyKeys, idempotencyCipher, clock);

  const recordOf = (
    { keyDigest, fingerprint }: RequestCipher,
    userId: UserId,
    result: IdempotencyRecord["result"],
  ): IdempotencyRecord => {
    const createdAt = clock.now();
    const expiresAt = new Date(createdAt.getTime() + RETENTION_MS);
    return { keyDigest, userId, fingerprint, result, createdAt, expiresAt };
  };

  return {
    /** Commits any write: with a key in a unit of work together with its record. */
    commit: async <T, E>(
      idempotency: Idempotency | null,
      { write, snapshot, userId, isUnit }: Commit<T, E>,
    ): Promise<Result<Outcome<T>, E | IdempotencyError>> => {
      if (idempotency === null) return (await (isUnit ? unitOfWork.run(write) : write(repositories))).map(first);
      // A log-in must succeed for an account beyond its quota, so that its user can delete posts. Requests without an owner
      // are bounded by the rate limit of log-ins instead.
      const admission = idempotency.owner === null ? "always" : "within_quota";
      return once(idempotency, snapshot, async (cipher) =>
        unitOfWork.run<T, E | IdempotencyError>(async (on) =>
          safeTry(async function* () {
            yield* await on.idempotencyKeys.claim(cipher.keyDigest, clock.now());
            const value = yield* await write(on);
            const record = recordOf(
              cipher,
              idempotency.owner ?? userId,
              await cipher.seal(snapshotText(snapshot, value)),
            );
            yield* (await on.idempotencyKeys.insert(record, admission)).mapErr((failure) =>
              failure.kind === "user_not_found" ? USER_DELETED : failure,
            );
            return ok(value);
          }),
        ),
      );
    },

    /** Inserts a new post. It is the most frequent write, so the repository stores it with its record in one statement. */
    insertPost: async (
      idempotency: Idempotency | null,
      post: Post,
    ): Promise<Result<Outcome<Post>, IdempotencyError>> => {
      const insert = async (inserted: Post | RecordedPost) =>
        (await repositories.posts.insert(inserted))
          .map(() => post)
          .mapErr((failure) => (failure.kind === "author_not_found" ? USER_DELETED : failure));
      if (idempotency === null) return (await insert(post)).map(first);
      const snapshot = newPostSnapshot(post);
      return once(idempotency, snapshot, async (cipher) => {
        return insert({ post, record: recordOf(cipher, post.authorId, plainResult(snapshot, post)) });
      });
    },
  };
}

/** Runs a write once for each key, and gives the result of an earlier run where there is one. */
function oncePerKey(idempotencyKeys: IdempotencyKeyRepository, idempotencyCipher: IdempotencyCipher, clock: Clock) {
  /** The keys of the requests that run in this process. */
  const running = new Set<KeyDigest>();

  /** The result of an earlier run; `null` when there is none, or when the store cannot be read. */
  const replay = async <T>(
    cipher: RequestCipher,
    snapshot: Snapshot<T>,
  ): Promise<Result<Outcome<T>, IdempotencyKeyReused> | null> => {
    const record = (await idempotencyKeys.find(cipher.keyDigest)).unwrapOr(null);
    if (record === null || record.expiresAt <= clock.now()) return null;
    if (record.fingerprint !== cipher.fingerprint) return fail({ kind: "idempotency_key_reused" });
    const text = isPlainResult(record.result) ? record.result : await cipher.open(record.result);
    return ok({ value: valueOfSnapshot(snapshot, text), isReplayed: true });
  };

  return async <T, E>(
    idempotency: Idempotency,
    snapshot: Snapshot<T>,
    write: (cipher: RequestCipher) => Promise<Result<T, E>>,
  ): Promise<Result<Outcome<T>, E | IdempotencyError>> => {
    const cipher = await idempotencyCipher.forRequest(idempotency);
    if (running.has(cipher.keyDigest)) return fail({ kind: "idempotency_key_in_use" });
    running.add(cipher.keyDigest);
    try {
      const written = await write(cipher);
      if (written.isOk()) return ok(first(written.value));
      // The write may fail because an earlier run, here or in another process, has done it. Or this write was stored, and
      // the connection was lost before the database could acknowledge it.
      return (await replay(cipher, snapshot)) ?? err(written.error);
    } finally {
      running.delete(cipher.keyDigest);
    }
  };
}

/** A user who was deleted after the authentication of the request has no session any more. */
const USER_DELETED = { kind: "invalid_session" } as const;

function first<T>(value: T): Outcome<T> {
  return { value, isReplayed: false };
}
