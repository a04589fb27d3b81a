import { err, ok, safeTry, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { mayReassignPosts, type Actor, type Forbidden } from "../../domain/access.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { User } from "../../domain/user/user.ts";
import type { PostsFate } from "../../domain/user/user-removal.ts";
import type { LastAdmin, UserHasPosts, UserNotFound, UserRepository } from "../../domain/user/user-repository.ts";
import type { VersionConflict } from "../../domain/shared/version.ts";
import {
  requireVersion,
  retryLostRaces,
  type ExpectedVersions,
  type PreconditionFailed,
} from "../optimistic-concurrency.ts";
import type { Clock } from "../ports/clock.ts";
import type { PasswordHasher } from "../ports/password-hasher.ts";
import type { Repositories, UnitOfWork } from "../ports/unit-of-work.ts";
import type { FinishRemovalError } from "./finish-removals.ts";
import { findChangeableUser, type FindUserDependencies } from "./find-visible-user.ts";
import { requireCurrentPassword, type CurrentPasswordError } from "./require-current-password.ts";

/** The new author of the posts does not exist, or is the user to delete. */
export interface NewAuthorUnfit {
  readonly kind: "new_author_unfit";
}

export interface DeleteUserInput {
  readonly id: UserId;
  readonly posts: PostsFate;
  /** Required from users who delete themselves. */
  readonly currentPassword?: string;
  readonly expected: ExpectedVersions;
}

export type DeleteUserError =
  | UserNotFound
  | Forbidden
  | CurrentPasswordError
  | UserHasPosts
  | NewAuthorUnfit
  | LastAdmin
  | PreconditionFailed
  | VersionConflict
  | StorageFailure;

export interface DeleteUserDependencies extends FindUserDependencies {
  readonly unitOfWork: UnitOfWork;
  readonly hasher: PasswordHasher;
  readonly clock: Clock;
  readonly finishRemoval: (userId: UserId) => Promise<Result<void, FinishRemovalError>>;
}

/** The user is deleted. Posts, sessions and replay records of the user are removed afterwards. */
export interface RemovalUnderway {
  /** Settles when the removal is complete, or when it is postponed. A postponed removal resumes by itself. */
  readonly finished: Promise<Result<void, FinishRemovalError>>;
}

/**
 * Users may delete themselves, and admins may delete everyone. One transaction deletes the user. It is short for any amount of
 * stored data, because the data is removed afterwards in batches.
 */
export function deleteUser(dependencies: DeleteUserDependencies) {
  const { unitOfWork, clock, finishRemoval } = dependencies;
  return async (actor: Actor, input: DeleteUserInput): Promise<Result<RemovalUnderway, DeleteUserError>> => {
    const requested = await retryLostRaces<void, DeleteUserError>(async () =>
      safeTry(async function* () {
        const user = yield* await findDeletableUser(dependencies, actor, input);
        return unitOfWork.run<void, DeleteUserError>(async (repositories) =>
          requestRemoval(repositories, user, input.posts, clock.now()),
        );
      }),
    );
    return requested.map(() => ({ finished: finishRemoval(input.id) }));
  };
}

/** Checks a removal as far as possible before the transaction, and the password last, because its comparison is slow. */
async function findDeletableUser(
  dependencies: DeleteUserDependencies,
  actor: Actor,
  { id, posts, currentPassword, expected }: DeleteUserInput,
): Promise<Result<User, DeleteUserError>> {
  return safeTry<User, DeleteUserError>(async function* () {
    const user = yield* await findChangeableUser(dependencies, actor, id);
    if (posts.kind === "reassign" && !mayReassignPosts(actor)) return fail({ kind: "forbidden" });
    yield* requireVersion(user, expected);
    if (posts.kind === "reassign" && posts.to === id) return fail({ kind: "new_author_unfit" });
    yield* await requireAnotherAdmin(dependencies.users, user);
    yield* await requireCurrentPassword(dependencies.hasher, actor, user, currentPassword);
    return ok(user);
  });
}

/** An early check, before the slow comparison of the password. The repository repeats it in the transaction. */
async function requireAnotherAdmin(
  users: UserRepository,
  user: User,
): Promise<Result<void, LastAdmin | StorageFailure>> {
  if (user.role !== "admin") return ok();
  return (await users.hasAdmin(user.id)).andThen((hasAnother) => (hasAnother ? ok() : fail({ kind: "last_admin" })));
}

async function requestRemoval(
  { users }: Repositories,
  { id, version }: User,
  posts: PostsFate,
  requestedAt: Date,
): Promise<Result<void, DeleteUserError>> {
  return (await users.requestRemoval({ userId: id, version, posts, requestedAt })).orElse((failure) =>
    failure.kind === "author_not_found" ? fail({ kind: "new_author_unfit" }) : err(failure),
  );
}
