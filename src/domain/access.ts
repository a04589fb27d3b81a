import type { SessionId, UserId } from "./shared/id.ts";
import type { Post } from "./post/post.ts";
import type { DraftFilter, PostFilter, PostQuery } from "./post/post-list.ts";
import type { UserFilter } from "./user/user-repository.ts";
import type { Role } from "./user/user.ts";

/** Who acts: the user behind a session. */
export interface Actor {
  readonly userId: UserId;
  readonly role: Role;
  readonly sessionId: SessionId;
}

/** Who looks; `null` is somebody without a session. */
export type Viewer = Actor | null;

/** The actor's rights do not reach this far. */
export interface Forbidden {
  readonly kind: "forbidden";
}

export function mayChangePost(actor: Actor, post: Post): boolean {
  return mayActFor(actor, post.authorId);
}

/** The posts that are asked for among those that a viewer may see: published ones, and {@link visibleDrafts}. */
export function visiblePosts(viewer: Viewer, query: PostQuery): PostFilter {
  const { authorId, status, publishedAfter: after, publishedBefore: before } = query;
  const isByPublication = query.kind === "list" && query.sort.by === "published";
  const isOfPublished = status === "published" || after !== null || before !== null || isByPublication;
  return {
    published: status === "draft" ? null : { authorId, after, before },
    drafts: isOfPublished ? null : visibleDrafts(viewer, authorId),
  };
}

/**
 * Published posts are public; a draft is seen by its author and by admins. These are the drafts that a viewer may see among
 * those of an author, or among all.
 */
export function visibleDrafts(viewer: Viewer, authorId: UserId | null = null): DraftFilter | null {
  if (viewer === null) return null;
  if (viewer.role === "admin") return { authorId };
  return authorId === null || authorId === viewer.userId ? { authorId: viewer.userId } : null;
}

/** Users act for themselves; admins act for everyone. */
export function mayActFor(actor: Actor, userId: UserId): boolean {
  return actor.userId === userId || actor.role === "admin";
}

export function mayGiveRoles(actor: Actor): boolean {
  return actor.role === "admin";
}

/** Authorship is a statement about a person, so no author makes it for another: not even by a gift of posts. */
export function mayReassignPosts(actor: Actor): boolean {
  return actor.role === "admin";
}

/** A time of publication in the past is for imports: authors publish now. */
export function maySetPublicationTime(actor: Actor): boolean {
  return actor.role === "admin";
}

/** A session may be stolen or left open, so it alone does not take an account over: its owner gives the password again. */
export function mustGiveCurrentPassword(actor: Actor, userId: UserId): boolean {
  return actor.userId === userId;
}

/** Whether anybody may become an author by themselves, or admins alone create users. */
export type Registration = (typeof REGISTRATIONS)[number];

export const REGISTRATIONS = ["open", "closed"] as const;

/** Admins create users always; others while registration is open. */
export function mayCreateUser(viewer: Viewer, registration: Registration): boolean {
  return registration === "open" || viewer?.role === "admin";
}

/**
 * A user is public once they have a published post, whose author everybody may know. Until then they are seen by
 * themselves and by admins.
 */
export function maySeeUser(viewer: Viewer, userId: UserId, hasPublishedPost: boolean): boolean {
  return hasPublishedPost || (viewer !== null && mayActFor(viewer, userId));
}

/** The users whom a list shows a viewer; a viewer who has published nothing is not in the list that they get. */
export function visibleUsers(viewer: Viewer): UserFilter {
  return viewer?.role === "admin" ? "everybody" : "published_authors";
}
