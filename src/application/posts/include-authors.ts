import { err, ok, type Result } from "neverthrow";
import type { Post } from "../../domain/post/post.ts";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { CountedPage } from "../../domain/shared/page.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { User } from "../../domain/user/user.ts";
import type { UserRepository } from "../../domain/user/user-repository.ts";

/** `author` is `null` when the author was deleted after the post was read. */
export type AuthoredPost<Of extends Post = Post> = Of & { readonly author: Pick<User, "id" | "name"> | null };

export type IncludeAuthorsError = StorageFailure;

/** Adds the author to a post. */
export function includeAuthor({ users }: { readonly users: UserRepository }) {
  return async (post: Post, signal?: AbortSignal): Promise<Result<AuthoredPost, IncludeAuthorsError>> =>
    (await users.findById(post.authorId, signal))
      .map((author): AuthoredPost => ({ ...post, author }))
      .orElse((failure) => (failure.kind === "user_not_found" ? ok({ ...post, author: null }) : err(failure)));
}

/** A page of a list, or of a search, which may not count all posts. */
type SearchedPage<Of extends Post> = CountedPage<Of> & { readonly totalIsExact?: boolean };

/** Adds the author to each post of a page. */
export function includeAuthors({ users }: { readonly users: UserRepository }) {
  return async <Of extends Post>(
    page: SearchedPage<Of>,
    signal?: AbortSignal,
  ): Promise<Result<SearchedPage<AuthoredPost<Of>>, IncludeAuthorsError>> => {
    const authors = new Map<UserId, User>();
    const ids = [...new Set(page.items.map(({ authorId }) => authorId))];
    for (const found of await Promise.all(ids.map(async (id) => users.findById(id, signal)))) {
      if (found.isOk()) authors.set(found.value.id, found.value);
      else if (found.error.kind !== "user_not_found") return err(found.error);
    }
    return ok({ ...page, items: page.items.map((post) => ({ ...post, author: authors.get(post.authorId) ?? null })) });
  };
}
