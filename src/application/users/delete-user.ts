import { ok, safeTry, type Result } from "neverthrow";
import { fail } from "../../domain/fail.ts";
import { mayReassignPosts, type Actor, type Forbidden } from "../../domain/access.ts";
import type { UserId } from "../../domain/id.ts";
import type { AuthorNotFound } from "../../domain/post-repository.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import type { User } from "../../domain/user.ts";
import type { LastAdmin, UserHasPosts, UserNotFound, UserRepository } from "../../domain/user-repository.ts";
import type { VersionConflict } from "../../domain/version.ts";
import {
  requireVersion,
  retryLostRaces,
  type ExpectedVersions,
  type PreconditionFailed,
} from "../optimistic-concurrency.ts";
import type { Clock } from "../ports/clock.ts";
import type { PasswordHasher } from "../ports/password-hasher.ts";
import type { Repositories, UnitOfWork } from "../ports/unit-of-work.ts";
import { findChangeableUser, type FindUserDependencies } from "./find-visible-user.ts";
import { requireCurrentPassword, type CurrentPasswordError } from "./require-current-password.ts";

/** What becomes of the posts of a user who goes; with `keep`, a user who has posts cannot go. */
export type PostsFate =
  { readonly kind: "keep" } | { readonly kind: "delete" } | { readonly kind: "reassign"; readonly to: UserId };

/** The user who is to take over the posts does not exist, or is the one who goes. */
export interface NewAuthorUnfit {
  readonly kind: "new_author_unfit";
}

export interface DeleteUserInput {
  readonly id: UserId;
  readonly posts: PostsFate;
  /** Of a user who deletes themself. */
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
}

/** Users remove themselves; admins remove everyone. The posts' fate and the removal are one transaction. */
export function deleteUser(dependencies: DeleteUserDependencies) {
  const { unitOfWork, clock } = dependencies;
  return async (actor: Actor, input: DeleteUserInput): Promise<Result<void, DeleteUserError>> =>
    retryLostRaces<void, DeleteUserError>(async () =>
      safeTry(async function* () {
        const user = yield* await findDeletableUser(dependencies, actor, input);
        return unitOfWork.run<void, DeleteUserError>(async (repositories) =>
          safeTry(async function* () {
            yield* await settlePosts(repositories, user.id, input.posts, clock.now());
            return repositories.users.delete(user.id, user.version);
          }),
        );
      }),
    );
}

/** Decides everything about a removal that can be decided before anything is written. */
async function findDeletableUser(
  dependencies: DeleteUserDependencies,
  actor: Actor,
  { id, posts, currentPassword, expected }: DeleteUserInput,
): Promise<Result<User, DeleteUserError>> {
  return safeTry<User, DeleteUserError>(async function* () {
    const user = yield* await findChangeableUser(dependencies, actor, id);
    if (posts.kind === "reassign" && !mayReassignPosts(actor)) return fail({ kind: "forbidden" });
    yield* requireVersion(user, expected);
    yield* await requireAnotherAdmin(dependencies.users, user);
    yield* await requireCurrentPassword(dependencies.hasher, actor, user, currentPassword);
    return ok(user);
  });
}

/** The repository decides it in the end, when others are demoted meanwhile; here nothing is settled in vain. */
async function requireAnotherAdmin(
  users: UserRepository,
  user: User,
): Promise<Result<void, LastAdmin | StorageFailure>> {
  if (user.role !== "admin") return ok();
  return (await users.hasAdmin(user.id)).andThen((hasAnother) => (hasAnother ? ok() : fail({ kind: "last_admin" })));
}

async function settlePosts(
  { posts }: Repositories,
  author: UserId,
  fate: PostsFate,
  now: Date,
): Promise<Result<void, NewAuthorUnfit | StorageFailure>> {
  switch (fate.kind) {
    case "keep":
      return ok();
    case "delete":
      return posts.deleteByAuthor(author);
    case "reassign":
      if (fate.to === author) return fail({ kind: "new_author_unfit" });
      return (await posts.reassign(author, fate.to, now)).mapErr(unfitWhenNotFound);
  }
}

function unfitWhenNotFound(failure: AuthorNotFound | StorageFailure): NewAuthorUnfit | StorageFailure {
  return failure.kind === "author_not_found" ? { kind: "new_author_unfit" } : failure;
}
