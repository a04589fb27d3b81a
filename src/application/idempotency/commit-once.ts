import { err, ok, safeTry, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { Post } from "../../domain/post/post.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { UserNotFound } from "../../domain/user/user-repository.ts";
import type { AnsweredBefore, Commit, IdempotencyKeyReused, StorePost } from "./commit.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdGenerator } from "../ports/id-generator.ts";
import type {
  IdempotencyKeyInUse,
  IdempotencyKeyRepository,
  IdempotencyRecord,
  KeyDigest,
} from "../ports/idempotency-keys.ts";
import type { Answer, IdempotentRequest, RequestCipher, IdempotencyCipher } from "../ports/idempotency-cipher.ts";
import type { UnitOfWork } from "../ports/unit-of-work.ts";
import type { InvalidSession } from "../sessions/authenticate.ts";

/** How long a request may be repeated. */
const KEPT_MS = 24 * 3_600_000;

export interface CommitOnceDependencies {
  readonly idempotencyKeys: IdempotencyKeyRepository;
  readonly unitOfWork: UnitOfWork;
  readonly idempotencyCipher: IdempotencyCipher;
  readonly ids: IdGenerator;
  readonly clock: Clock;
}

/** What a request's outcome is to be remembered as. */
export interface Memory {
  readonly answer: Answer;
  /** Who made the request, or came of it. */
  readonly userId: UserId;
}

/**
 * Does writes once for each key: the answer is stored with the write, so that either both are kept or neither is, and for a
 * day a repetition gives `answered_before` instead. Only what succeeds is stored: what was refused is judged anew, as the
 * reason may be gone.
 */
export function commitOnce({ idempotencyKeys, unitOfWork, idempotencyCipher, ids, clock }: CommitOnceDependencies) {
  const running = new Set<KeyDigest>();

  const refuseRepetition = async (
    seal: RequestCipher,
  ): Promise<Result<void, AnsweredBefore | IdempotencyKeyReused | StorageFailure>> => {
    const found = await idempotencyKeys.find(seal.keyDigest);
    if (found.isErr()) return err(found.error);
    const record = found.value;
    if (record === null || record.expiresAt <= clock.now()) return ok();
    if (record.fingerprint !== seal.fingerprint) return fail({ kind: "idempotency_key_reused" });
    return fail({ kind: "answered_before", answer: await seal.open(record.answer) });
  };

  const recordOf = async (seal: RequestCipher, { answer, userId }: Memory): Promise<IdempotencyRecord> => {
    const { keyDigest, fingerprint } = seal;
    const createdAt = clock.now();
    const expiresAt = new Date(createdAt.getTime() + KEPT_MS);
    return { id: ids.next(), keyDigest, userId, fingerprint, answer: await seal.seal(answer), createdAt, expiresAt };
  };

  /** Does a write unless it was done before or is being done. */
  const once = async <T, E>(
    request: IdempotentRequest,
    write: (seal: RequestCipher) => Promise<Result<T, E>>,
  ): Promise<Result<T, E | AnsweredBefore | IdempotencyKeyReused | IdempotencyKeyInUse>> => {
    const seal = await idempotencyCipher.of(request);
    if (running.has(seal.keyDigest)) return fail({ kind: "idempotency_key_in_use" });
    running.add(seal.keyDigest);
    try {
      const written = await write(seal);
      if (written.isOk()) return ok(written.value);
      // It may have been done before, or by another process meanwhile, which is why it fails here; or it was done here, and
      // the database went away before it could say so.
      const before = await refuseRepetition(seal);
      return err(before.isErr() && before.error.kind !== "storage_failure" ? before.error : written.error);
    } finally {
      running.delete(seal.keyDigest);
    }
  };

  return {
    commitOnce:
      <T>(request: IdempotentRequest, memoryOf: (outcome: T) => Memory): Commit<T> =>
      async (write) =>
        once(request, async (seal) =>
          unitOfWork.run(async (on) =>
            safeTry(async function* () {
              yield* await on.idempotencyKeys.claim(seal.keyDigest, clock.now());
              const outcome = yield* await write(on);
              const record = await recordOf(seal, memoryOf(outcome));
              // An account beyond its quota must be able to log in and delete. Whoever acts without a session is bounded by the
              // limit of log-ins instead.
              const admission = request.userId === null ? "always" : "within_quota";
              yield* (await on.idempotencyKeys.insert(record, admission)).mapErr(invalidWhenUserGone);
              return ok(outcome);
            }),
          ),
        ),

    storePostOnce:
      (request: IdempotentRequest, memoryOf: (post: Post) => Memory): StorePost =>
      async (post) =>
        once(request, async (seal) => {
          const record = await recordOf(seal, memoryOf(post));
          return (await idempotencyKeys.insertWithPost(record, post)).mapErr(invalidWhenUserGone);
        }),
  };
}

/** A user who was deleted since they were authenticated has no session either. */
function invalidWhenUserGone<Failure extends { readonly kind: string }>(
  failure: Failure,
): Exclude<Failure, UserNotFound> | InvalidSession {
  return failure.kind === "user_not_found" ? { kind: "invalid_session" } : (failure as Exclude<Failure, UserNotFound>);
}
