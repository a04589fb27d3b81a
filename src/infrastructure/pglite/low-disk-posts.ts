import { err, type Result } from "neverthrow";
import type { Storage } from "../../application/ports/storage.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { Post } from "../../domain/post/post.ts";
import type { PostRepository } from "../../domain/post/post-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";

/**
 * Allows updates that do not lengthen a post while the disk has little space, because the space of the old text becomes free.
 * Updates that lengthen one, new posts and reassignments fail with the reason `full`.
 *
 * @param shortening The same storage on a client that treats every update of a post as one that shortens it.
 */
export function limitPostsOnLowDisk(
  storage: Storage,
  shortening: Pick<Storage, "posts" | "unitOfWork">,
  isDiskLow: () => boolean,
): Storage {
  const shortened = onlyShortening(shortening.posts);
  return {
    ...storage,
    posts: {
      ...storage.posts,
      update: async (post, expected) => (isDiskLow() ? shortened : storage.posts).update(post, expected),
    },
    unitOfWork: {
      run: async (work) =>
        isDiskLow()
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
      return byteLength(post) <= byteLength(stored.value) ? posts.update(post, expected) : diskFull("posts.update");
    },
    reassign: async () => diskFull("posts.reassign"),
  };
}

function byteLength({ title, content }: Post): number {
  return Buffer.byteLength(title) + Buffer.byteLength(content);
}

function diskFull(operation: string): Result<never, StorageFailure> {
  const cause = { message: "The disk has less free space than a write may need." };
  return fail({ kind: "storage_failure", reason: "full", isTransient: false, operation, cause });
}
