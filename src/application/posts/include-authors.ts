import { err, ok, type Result } from "neverthrow";
import type { UserId } from "../../domain/shared/id.ts";
import type { Page } from "../../domain/shared/page.ts";
import type { Post } from "../../domain/post/post.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { User } from "../../domain/user/user.ts";
import type { UserRepository } from "../../domain/user/user-repository.ts";

/** `author` is `null` for one who was deleted after the post was read. */
export type AuthoredPost<Of extends Post = Post> = Of & { readonly author: Pick<User, "id" | "name"> | null };

export type IncludeAuthorsError = StorageFailure;

/** The post with its author. */
export function includeAuthor({ users }: { readonly users: UserRepository }) {
  return async (post: Post): Promise<Result<AuthoredPost, IncludeAuthorsError>> =>
    (await users.findById(post.authorId))
      .map((author): AuthoredPost => ({ ...post, author }))
      .orElse((failure) => (failure.kind === "user_not_found" ? ok({ ...post, author: null }) : err(failure)));
}

/** The page with the author of each post. */
export function includeAuthors({ users }: { readonly users: UserRepository }) {
  return async <Of extends Post>({
    items,
    ...page
  }: Page<Of>): Promise<Result<Page<AuthoredPost<Of>>, IncludeAuthorsError>> => {
    const authors = new Map<UserId, User>();
    const ids = [...new Set(items.map(({ authorId }) => authorId))];
    for (const found of await Promise.all(ids.map(async (id) => users.findById(id)))) {
      if (found.isOk()) authors.set(found.value.id, found.value);
      else if (found.error.kind !== "user_not_found") return err(found.error);
    }
    return ok({ ...page, items: items.map((post) => ({ ...post, author: authors.get(post.authorId) ?? null })) });
  };
}
