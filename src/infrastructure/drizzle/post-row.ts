import { getTableColumns } from "drizzle-orm";
import type { Result } from "neverthrow";
import { restorePost, type Post } from "../../domain/post/post.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { titleSortKey } from "../../domain/post/title-key.ts";
import { posts } from "./schema.ts";

const { titleKey: _titleKey, titleKeyVersion: _titleKeyVersion, ...columns } = getTableColumns(posts);

/** The columns that a post is restored from. The key of its title is derived, and only lists read it. */
export const POST_COLUMNS = columns;

export type PostRow = Pick<typeof posts.$inferSelect, keyof typeof POST_COLUMNS>;

/** A post as every write stores it. */
export function postRow(post: Post): typeof posts.$inferSelect {
  // On Node 20 a copy by spread takes ten times as long.
  return Object.assign({ titleKey: titleSortKey(post.title), titleKeyVersion: post.version }, post);
}

/** Restores a post from its row. Fails with the reason `corrupt` when the row breaks an invariant of a post. */
export function toPost(row: PostRow, operation: string): Result<Post, StorageFailure> {
  return restorePost(row).mapErr(({ kind }): StorageFailure => {
    const cause = { message: `The stored post ${row.id} breaks an invariant: ${kind}.` };
    return { kind: "storage_failure", reason: "corrupt", isTransient: false, operation, cause };
  });
}
