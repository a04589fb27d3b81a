import { getTableColumns } from "drizzle-orm";
import type { Post } from "../../domain/post/post.ts";
import { titleSortKey } from "../../domain/post/title-key.ts";
import { posts } from "./schema.ts";

const { titleKey: _titleKey, titleKeyVersion: _titleKeyVersion, ...columns } = getTableColumns(posts);

/** The columns that a post is restored from. The key of its title is derived, and only lists read it. */
export const POST_COLUMNS = columns;

export type PostRow = Pick<typeof posts.$inferSelect, keyof typeof POST_COLUMNS>;

/** A post as every write stores it. */
export function postRow(post: Post): typeof posts.$inferSelect {
  return { ...post, titleKey: titleSortKey(post.title), titleKeyVersion: post.version };
}
