import { err, ok, type Result } from "neverthrow";
import type { Post } from "../../domain/post/post.ts";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { User } from "../../domain/user/user.ts";
import type { UserRepository } from "../../domain/user/user-repository.ts";

/** The authors of posts by their ids. An author who was deleted after the posts were read is missing. */
export type Authors = ReadonlyMap<UserId, Pick<User, "id" | "name">>;

export type FindAuthorsError = StorageFailure;

/** Finds the authors of posts, each once. */
export function findAuthors({ users }: { readonly users: UserRepository }) {
  return async (posts: readonly Post[], signal?: AbortSignal): Promise<Result<Authors, FindAuthorsError>> => {
    const authors = new Map<UserId, User>();
    const ids = [...new Set(posts.map(({ authorId }) => authorId))];
    for (const found of await Promise.all(ids.map(async (id) => users.findById(id, signal)))) {
      if (found.isOk()) authors.set(found.value.id, found.value);
      else if (found.error.kind !== "user_not_found") return err(found.error);
    }
    return ok(authors);
  };
}
