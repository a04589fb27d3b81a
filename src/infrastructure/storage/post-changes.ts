import type { Result } from "neverthrow";
import type { Storage } from "../../application/ports/storage.ts";
import type { Repositories } from "../../application/ports/unit-of-work.ts";
import type { PostRepository } from "../../domain/post/post-repository.ts";
import type { PostId } from "../../domain/shared/id.ts";
import { isStorageFailure } from "../../domain/shared/storage-failure.ts";

/** Is told which posts have changed, for the search index. */
export interface PostChanges {
  /** The post is stored, or may be: a write whose outcome is unknown counts as well. */
  readonly onChanged: (id: PostId) => void;
  /** Posts have changed whose ids are not known here. */
  readonly onManyChanged: () => void;
}

/**
 * Reports the posts that a write has changed, after it is stored and before it is acknowledged. A unit of work reports at its end,
 * whatever its outcome: a post that was rolled back is compared with the index in vain.
 */
export function notePostChanges(storage: Storage, changes: PostChanges): Storage {
  const { users, posts, sessions, idempotencyKeys, unitOfWork, probe } = storage;
  return {
    users,
    posts: postsNoting(posts, changes),
    sessions,
    idempotencyKeys,
    unitOfWork: {
      run: async (work) => {
        const changed = new Set<PostId>();
        let haveManyChanged = false;
        const noted: PostChanges = {
          onChanged: (id) => changed.add(id),
          onManyChanged: () => {
            haveManyChanged = true;
          },
        };
        try {
          return await unitOfWork.run(async (repositories) => work(repositoriesNoting(repositories, noted)));
        } finally {
          for (const id of changed) changes.onChanged(id);
          if (haveManyChanged) changes.onManyChanged();
        }
      },
    },
    probe,
    close: async () => storage.close(),
  };
}

function repositoriesNoting({ posts, ...others }: Repositories, changes: PostChanges): Repositories {
  return { ...others, posts: postsNoting(posts, changes) };
}

/** Reports a write unless it certainly changed nothing. */
async function unlessRefused<T, E extends { readonly kind: string }>(
  write: Promise<Result<T, E>>,
  report: () => void,
): Promise<Result<T, E>> {
  let isRefused = false;
  try {
    const written = await write;
    isRefused = written.isErr() && !isStorageFailure(written.error);
    return written;
  } finally {
    if (!isRefused) report();
  }
}

/** Each method is named, so that a new method does not compile until it is added here, with or without a report. */
function postsNoting(posts: PostRepository, { onChanged, onManyChanged }: PostChanges): PostRepository {
  return {
    insert: async (inserted) => {
      const { id } = "record" in inserted ? inserted.post : inserted;
      return unlessRefused(posts.insert(inserted), () => onChanged(id));
    },
    update: async (post, expected) => unlessRefused(posts.update(post, expected), () => onChanged(post.id)),
    // The rows of the index go with their posts.
    delete: async (...args) => posts.delete(...args),
    deleteByAuthor: async (...args) => posts.deleteByAuthor(...args),
    reassign: async (...args) => posts.reassign(...args).finally(onManyChanged),
    findById: async (...args) => posts.findById(...args),
    hasPublished: async (...args) => posts.hasPublished(...args),
    list: async (...args) => posts.list(...args),
    search: async (...args) => posts.search(...args),
  };
}
