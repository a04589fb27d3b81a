import type { PostId, UserId } from "../../domain/shared/id.ts";
import { isStoredContent, isStoredTitle, restorePost, type Post } from "../../domain/post/post.ts";
import { dateIn, fieldsOf, idIn, textIn, versionIn, type Snapshot } from "../idempotency/snapshot.ts";

export const POST_SNAPSHOT: Snapshot<Post> = {
  write: (post) => post,

  read: (data) => {
    const fields = fieldsOf(data);
    const generated = generatedFieldsIn(fields);
    const authorId = idIn<UserId>(fields["authorId"]);
    const title = textIn(fields["title"]);
    const content = textIn(fields["content"]);
    if (generated === null || authorId === null) return null;
    if (title === null || !isStoredTitle(title) || content === null || !isStoredContent(content)) return null;
    return restorePost({ ...generated, authorId, title, content }).unwrapOr(null);
  },
};

/**
 * The snapshot of a new post. It has only the fields that Quire has generated, because a repeated request has the same author and
 * body. So a record is small, however long the post is.
 *
 * @param post The post that this request creates if it is the first one.
 */
export function newPostSnapshot(post: Post): Snapshot<Post> {
  return {
    write: ({ id, version, createdAt, updatedAt, publishedAt }) => ({ id, version, createdAt, updatedAt, publishedAt }),

    read: (data) => {
      const generated = generatedFieldsIn(fieldsOf(data));
      return generated === null ? null : restorePost({ ...post, ...generated }).unwrapOr(null);
    },
  };
}

function generatedFieldsIn(fields: Readonly<Record<string, unknown>>) {
  const id = idIn<PostId>(fields["id"]);
  const version = versionIn(fields["version"]);
  const createdAt = dateIn(fields["createdAt"]);
  const updatedAt = dateIn(fields["updatedAt"]);
  const publishedAt = dateIn(fields["publishedAt"]);
  if (id === null || version === null || createdAt === null || updatedAt === null) return null;
  if ((fields["publishedAt"] === null) !== (publishedAt === null)) return null;
  return { id, version, createdAt, updatedAt, publishedAt };
}
