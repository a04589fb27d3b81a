import { ok, safeTry, type Result } from "neverthrow";
import { fail } from "../../domain/fail.ts";
import { mayActFor, type Actor, type Forbidden } from "../../domain/access.ts";
import type { UserId } from "../../domain/id.ts";
import type { AuthorNotFound } from "../../domain/post-repository.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import type { UserHasPosts, UserNotFound } from "../../domain/user-repository.ts";
import type { VersionConflict } from "../../domain/version.ts";
import {
  requireVersion,
  retryLostRaces,
  type ExpectedVersions,
  type PreconditionFailed,
} from "../optimistic-concurrency.ts";
import type { Clock } from "../ports/clock.ts";
import type { Repositories, UnitOfWork } from "../ports/unit-of-work.ts";

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
  readonly expected: ExpectedVersions;
}

export type DeleteUserError =
  UserNotFound | Forbidden | UserHasPosts | NewAuthorUnfit | PreconditionFailed | VersionConflict | StorageFailure;

/** Users remove themselves; admins remove everyone. The posts' fate and the removal are one transaction. */
export function deleteUser({ unitOfWork, clock }: { readonly unitOfWork: UnitOfWork; readonly clock: Clock }) {
  return async (actor: Actor, input: DeleteUserInput): Promise<Result<void, DeleteUserError>> =>
    retryLostRaces<void, DeleteUserError>(async () =>
      unitOfWork.run<void, DeleteUserError>(async (repositories) =>
        safeTry(async function* () {
          const user = yield* await repositories.users.findById(input.id);
          if (!mayActFor(actor, user.id)) return fail({ kind: "forbidden" });
          yield* requireVersion(user, input.expected);
          yield* await settlePosts(repositories, user.id, input.posts, clock.now());
          yield* await repositories.users.delete(user.id, user.version);
          return ok();
        }),
      ),
    );
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
