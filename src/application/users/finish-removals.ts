import { ok, safeTry, type Result } from "neverthrow";
import type { BatchLimits } from "../../domain/shared/batch.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { BatchCursor, PostRepository } from "../../domain/post/post-repository.ts";
import type { SessionRepository } from "../../domain/session/session-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { UserRemoval } from "../../domain/user/user-removal.ts";
import type { LastAdmin, UserHasPosts, UserRepository } from "../../domain/user/user-repository.ts";
import { RECORD_BATCH } from "../idempotency/purge-expired-idempotency-keys.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdempotencyKeyRepository } from "../ports/idempotency-keys.ts";

/** The server stops. The next start resumes the removal. */
export interface RemovalInterrupted {
  readonly kind: "removal_interrupted";
}

/** No user has the id of the new author, because an older program deleted that user and did not redirect this removal. */
export interface NewAuthorMissing {
  readonly kind: "new_author_missing";
  readonly userId: UserId;
}

export type FinishRemovalError = RemovalInterrupted | NewAuthorMissing | UserHasPosts | LastAdmin | StorageFailure;

export interface FinishRemovalsDependencies {
  readonly users: UserRepository;
  readonly posts: PostRepository;
  readonly sessions: SessionRepository;
  readonly idempotencyKeys: IdempotencyKeyRepository;
  readonly clock: Clock;
}

const KIB = 1024;
// Each batch is one statement, for which all other requests wait. Measured on the embedded engine, a batch takes 5 to
// 20 ms (docs/performance.md).
const DELETED: BatchLimits = { rows: 100, bytes: 4096 * KIB };
/** Reassigning a post writes all its index entries again, mainly the words of its text. */
const REASSIGNED: BatchLimits = { rows: 8, bytes: 16 * KIB };
/** The maximum number of removals that a run resumes. It bounds the memory, and more could only be those that fail for good. */
const MAX_RESUMED = 10_000;
/** The maximum number of removals that run at the same time. */
const MAX_RESUMED_AT_ONCE = 100;

interface Work {
  readonly userId: UserId;
  after: BatchCursor | null;
  /** The new author that the last attempt did not find. */
  missing: UserId | null;
  readonly settle: (outcome: Result<void, FinishRemovalError>) => void;
  readonly refuse: (defect: unknown) => void;
}

/**
 * Completes the removals of users in batches. The removals take turns, one batch each, so that a large removal does not
 * delay a small one. Every batch is complete in itself and may be repeated: a process may die at any point, and several
 * processes may work on the same removal.
 */
export function finishRemovals(dependencies: FinishRemovalsDependencies) {
  const { users } = dependencies;
  const underway = new Map<UserId, Promise<Result<void, FinishRemovalError>>>();
  const queue: Work[] = [];
  let isWorking = false;
  let isStopping = false;

  const workOff = async () => {
    isWorking = true;
    for (let work = queue.shift(); work !== undefined; work = queue.shift()) {
      const step = isStopping ? fail({ kind: "removal_interrupted" } as const) : await attempt(dependencies, work);
      if (step === null) continue;
      if (step.isOk() && step.value === "more") queue.push(work);
      else work.settle(step.map(() => undefined));
    }
    isWorking = false;
  };

  const finishRemoval = async (userId: UserId): Promise<Result<void, FinishRemovalError>> => {
    const known = underway.get(userId);
    if (known !== undefined) return known;
    const finished = new Promise<Result<void, FinishRemovalError>>((settle, refuse) => {
      queue.push({ userId, after: null, missing: null, settle, refuse });
    }).finally(() => underway.delete(userId));
    underway.set(userId, finished);
    if (!isWorking) void workOff();
    return finished;
  };

  return {
    /** Settles when the removal is complete, or when it is postponed. */
    finishRemoval,

    /** Resumes removals that were interrupted, in this process or in another. Returns the first failure. */
    resumeRemovals: async (): Promise<Result<void, FinishRemovalError>> =>
      safeTry(async function* () {
        const removals = yield* await users.listRemovals(MAX_RESUMED);
        let failed: Result<void, FinishRemovalError> | undefined;
        for (let start = 0; start < removals.length; start += MAX_RESUMED_AT_ONCE) {
          const some = removals.slice(start, start + MAX_RESUMED_AT_ONCE);
          const outcomes = await Promise.all(some.map(async ({ userId }) => finishRemoval(userId)));
          failed ??= outcomes.find((outcome) => outcome.isErr());
          if (isStopping) break;
        }
        return failed ?? ok();
      }),

    /** Stops after the current batch, also when that throws: its removal reports the exception. */
    stopRemovals: async (): Promise<void> => {
      isStopping = true;
      await Promise.allSettled(underway.values());
    },
  };
}

type Step = Result<"more" | "done", FinishRemovalError>;

/** Runs one batch. Returns `null` after an exception, which rejects the promise of the removal. */
async function attempt(dependencies: FinishRemovalsDependencies, work: Work): Promise<Step | null> {
  return advance(dependencies, work).catch((defect: unknown) => {
    work.refuse(defect);
    return null;
  });
}

const DONE: Step = ok("done");
const MORE: Step = ok("more");

async function advance(dependencies: FinishRemovalsDependencies, work: Work): Promise<Step> {
  const { users, sessions, idempotencyKeys } = dependencies;
  const { userId } = work;
  return safeTry<"more" | "done", FinishRemovalError>(async function* () {
    // Read again for each batch: the posts may have a new target, or another process may have completed the removal.
    const removal = yield* await users.findRemoval(userId);
    if (removal === null) return DONE;
    if ((yield* await settlePosts(dependencies, work, removal)) === "more") return MORE;
    if ((yield* await idempotencyKeys.deleteByUser(userId, RECORD_BATCH)) > 0) return MORE;
    yield* await sessions.deleteByUser(userId, null);
    return (await users.delete(userId, removal.version))
      .map(() => "done" as const)
      .orElse((failure): Step => {
        switch (failure.kind) {
          case "user_not_found":
            return DONE;
          case "version_conflict":
            return MORE;
          case "user_has_posts":
            if (removal.posts.kind === "keep") return fail(failure);
            // A post that was unpublished in the meantime lies before the position that was reached.
            work.after = null;
            return MORE;
          default:
            return fail(failure);
        }
      });
  });
}

/** Deletes or reassigns a batch of the posts. Returns `done` when no post is left after the position that was reached. */
async function settlePosts(
  { posts, clock }: FinishRemovalsDependencies,
  work: Work,
  removal: UserRemoval,
): Promise<Step> {
  const { userId, posts: fate } = removal;
  if (fate.kind === "keep") return DONE;
  const reached =
    fate.kind === "delete"
      ? await posts.deleteByAuthor(userId, DELETED, work.after)
      : await posts.reassign(userId, fate.to, clock.now(), REASSIGNED, work.after);
  if (reached.isOk()) {
    work.after = reached.value;
    return ok(reached.value === null ? "done" : "more");
  }
  if (reached.error.kind !== "author_not_found") return fail(reached.error);
  // The new author is being removed too, which has changed the target of this removal: the next batch reads it.
  const to = fate.kind === "reassign" ? fate.to : null;
  if (to === null || work.missing === to) return fail({ kind: "new_author_missing", userId });
  work.missing = to;
  return MORE;
}
