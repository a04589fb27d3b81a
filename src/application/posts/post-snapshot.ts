import type { PostId, UserId } from "../../domain/shared/id.ts";
import { isStoredContent, isStoredTitle, restorePost, type Post } from "../../domain/post/post.ts";
import { dateIn, fieldsOf, idIn, textIn, versionIn, type Snapshot } from "../idempotency/snapshot.ts";

export const POST_SNAPSHOT: Snapshot<Post> = {
  write: (post) => post,

  read: (data) => {
    const fields = fieldsOf(data);
    const id = idIn<PostId>(fields["id"]);
    const authorId = idIn<UserId>(fields["authorId"]);
    const title = textIn(fields["title"]);
    const content = textIn(fields["content"]);
    const version = versionIn(fields["version"]);
    const createdAt = dateIn(fields["createdAt"]);
    const updatedAt = dateIn(fields["updatedAt"]);
    const publishedAt = dateIn(fields["publishedAt"]);
    if (id === null || authorId === null || version === null || createdAt === null || updatedAt === null) return null;
    if (title === null || !isStoredTitle(title) || content === null || !isStoredContent(content)) return null;
    if ((fields["publishedAt"] === null) !== (publishedAt === null)) return null;
    return restorePost({ id, authorId, title, content, version, createdAt, updatedAt, publishedAt }).unwrapOr(null);
  },
};
