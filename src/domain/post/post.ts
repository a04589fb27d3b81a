import { ok, type Result } from "neverthrow";
import { fail } from "../shared/fail.ts";
import type { Branded } from "../shared/branded.ts";
import type { PostId, UserId } from "../shared/id.ts";
import {
  isVisibleText,
  multilineText,
  singleLineText,
  storableText,
  textOfLength,
  utf8ByteLength,
} from "../shared/text.ts";
import { FIRST_VERSION, nextVersion, type Version } from "../shared/version.ts";
import { refuse, type Violation } from "../shared/violation.ts";

/** 1 to 300 characters of {@link singleLineText}. A title that was stored earlier may follow an older rule. */
export type PostTitle = Branded<string, "PostTitle">;

/** Up to 1 MiB of {@link multilineText} in UTF-8. It may be empty. Content that was stored earlier may follow an older rule. */
export type PostContent = Branded<string, "PostContent">;

/** Content with at least one visible character. Content that was published earlier may only have one that is not white space. */
export type ReadableContent = PostContent & Branded<string, "ReadableContent">;

interface PostFields {
  readonly id: PostId;
  readonly title: PostTitle;
  readonly authorId: UserId;
  readonly version: Version;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface Draft extends PostFields {
  readonly status: "draft";
  readonly content: PostContent;
  readonly publishedAt: null;
}

export interface PublishedPost extends PostFields {
  readonly status: "published";
  readonly content: ReadableContent;
  /** The time of the last publication. An admin may set an earlier time for an import. */
  readonly publishedAt: Date;
}

export type Post = Draft | PublishedPost;

export type PostStatus = Post["status"];

export const POST_STATUSES = ["draft", "published"] as const satisfies readonly PostStatus[];

/** The content of a published post must have a visible character. */
export interface ContentRequired {
  readonly kind: "content_required";
}

export interface PostAlreadyPublished {
  readonly kind: "post_already_published";
}

export interface PostNotPublished {
  readonly kind: "post_not_published";
}

/** The time of publication must not be in the future. */
export interface PublicationInFuture {
  readonly kind: "publication_in_future";
}

export const MAX_CONTENT_BYTES = 1_048_576;

export const MAX_TITLE_LENGTH = 300;

/** Parses a title and keeps it as written. */
export function parsePostTitle(raw: string): Result<PostTitle, Violation> {
  return singleLineText(raw, 1, MAX_TITLE_LENGTH).map((text) => text as PostTitle);
}

/** Whether a store may hold this as a title. A title that was accepted earlier stays valid when the rule changes. */
export function isStoredTitle(text: string): text is PostTitle {
  return textOfLength(text, 1, MAX_TITLE_LENGTH).isOk();
}

/** Whether a store may hold this as content. Content that was accepted earlier stays valid when the rule changes. */
export function isStoredContent(text: string): text is PostContent {
  return storableText(text).isOk() && utf8ByteLength(text) <= MAX_CONTENT_BYTES;
}

/** Parses content and keeps it as written. */
export function parsePostContent(raw: string): Result<PostContent, Violation> {
  return multilineText(raw).andThen((text) =>
    utf8ByteLength(text) > MAX_CONTENT_BYTES ? refuse("too_many_bytes", MAX_CONTENT_BYTES) : ok(text as PostContent),
  );
}

export function newDraft(
  fields: Pick<PostFields, "id" | "title" | "authorId"> & { readonly content: PostContent },
  now: Date,
): Draft {
  return { ...fields, status: "draft", publishedAt: null, version: FIRST_VERSION, createdAt: now, updatedAt: now };
}

/** Creates a published post in one step, at its first version. */
export function newPublishedPost(
  fields: Parameters<typeof newDraft>[0],
  now: Date,
  publishedAt: Date = now,
): Result<PublishedPost, ContentRequired | PublicationInFuture> {
  const { content } = fields;
  if (!isReadable(content)) return fail({ kind: "content_required" });
  if (publishedAt > now) return fail({ kind: "publication_in_future" });
  return ok({ ...newDraft(fields, now), content, status: "published", publishedAt });
}

/**
 * Restores a post from its stored fields. The time of publication decides its status. Fails with `content_required` for a
 * published post with blank content, which no storage should contain.
 */
export function restorePost(
  stored: PostFields & { readonly content: PostContent; readonly publishedAt: Date | null },
): Result<Post, ContentRequired> {
  const { content, publishedAt } = stored;
  if (publishedAt === null) return ok({ ...stored, status: "draft", publishedAt });
  if (!isStoredReadable(content)) return fail({ kind: "content_required" });
  return ok({ ...stored, status: "published", publishedAt, content });
}

/** The editable fields of a post. An omitted field stays unchanged. */
export interface PostEdits {
  readonly title?: PostTitle;
  readonly content?: PostContent;
  /** Only for a published post. */
  readonly publishedAt?: Date;
}

export type EditPostError = ContentRequired | PostNotPublished | PublicationInFuture;

/** Returns the post with the edits and the next version, or the same object when they change nothing. */
export function editPost(post: Post, edits: PostEdits, now: Date): Result<Post, EditPostError> {
  const { title = post.title, content = post.content, publishedAt } = edits;
  if (publishedAt !== undefined && post.status === "draft") return fail({ kind: "post_not_published" });
  // Only a new time is compared with `now`, because the clock may have been set back since the post was published.
  if (publishedAt !== undefined && publishedAt > now) return fail({ kind: "publication_in_future" });
  const isSameTime = publishedAt === undefined || publishedAt.getTime() === post.publishedAt?.getTime();
  if (title === post.title && content === post.content && isSameTime) return ok(post);
  const stored = { title, version: nextVersion(post.version), updatedAt: now };
  if (post.status === "draft") return ok({ ...post, ...stored, content });
  const meetsRule = content === post.content ? isStoredReadable : isReadable;
  if (!meetsRule(content)) return fail({ kind: "content_required" });
  return ok({ ...post, ...stored, content, publishedAt: publishedAt ?? post.publishedAt });
}

/** Publishes a draft at `now`. Fails with `post_already_published` or `content_required`. */
export function publishPost(post: Post, now: Date): Result<PublishedPost, PostAlreadyPublished | ContentRequired> {
  if (post.status === "published") return fail({ kind: "post_already_published" });
  const { content } = post;
  if (!isReadable(content)) return fail({ kind: "content_required" });
  const version = nextVersion(post.version);
  return ok({ ...post, content, status: "published", publishedAt: now, version, updatedAt: now });
}

/** Unpublishes a post. A later publication gets a new time. Fails with `post_not_published`. */
export function unpublishPost(post: Post, now: Date): Result<Draft, PostNotPublished> {
  if (post.status === "draft") return fail({ kind: "post_not_published" });
  return ok({ ...post, status: "draft", publishedAt: null, version: nextVersion(post.version), updatedAt: now });
}

function isReadable(content: PostContent): content is ReadableContent {
  return isVisibleText(content);
}

/** Whether a store may hold this as the content of a published post, by the rule of earlier versions. */
function isStoredReadable(content: PostContent): content is ReadableContent {
  return content.trim() !== "";
}
