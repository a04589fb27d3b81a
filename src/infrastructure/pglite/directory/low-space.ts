import { err, type Result } from "neverthrow";
import type { Storage } from "../../../application/ports/storage.ts";
import { fail } from "../../../domain/shared/fail.ts";
import type { Post } from "../../../domain/post/post.ts";
import type { PostRepository } from "../../../domain/post/post-repository.ts";
import type { StorageFailure } from "../../../domain/shared/storage-failure.ts";

/**
 * Lets posts be made shorter while little space is free: what they were is what gives space back. All other changes of
 * posts are refused with `storage_full`.
 *
 * @param shortening The same storage on a client that takes every change of a post for one that makes it no longer.
 */
export function shorteningOnLowSpace(
  storage: Storage,
  shortening: Pick<Storage, "posts" | "unitOfWork">,
  isSpaceLow: () => boolean,
): Storage {
  const shortened = onlyShortening(shortening.posts);
  return {
    ...storage,
    posts: {
      ...storage.posts,
      update: async (post, expected) => (isSpaceLow() ? shortened : storage.posts).update(post, expected),
    },
    unitOfWork: {
      run: async (work) =>
        isSpaceLow()
          ? shortening.unitOfWork.run(async ({ posts, ...others }) => work({ ...others, posts: onlyShortening(posts) }))
          : storage.unitOfWork.run(work),
    },
  };
}

function onlyShortening(posts: PostRepository): PostRepository {
  return {
    ...posts,
    update: async (post, expected) => {
      const stored = await posts.findById(post.id, { authorId: null });
      if (stored.isErr()) return err(stored.error);
      return lengthOf(post) <= lengthOf(stored.value) ? posts.update(post, expected) : full("posts.update");
    },
    reassign: async () => full("posts.reassign"),
  };
}

function lengthOf({ title, content }: Post): number {
  return Buffer.byteLength(title) + Buffer.byteLength(content);
}

function full(operation: string): Result<never, StorageFailure> {
  const cause = { message: "Less space is free than a write may need." };
  return fail({ kind: "storage_failure", reason: "full", isTransient: false, operation, cause });
}
