import type { SessionId, UserId } from "./shared/id.ts";
import type { Post } from "./post/post.ts";
import type { DraftFilter, PostFilter, PostQuery } from "./post/post-list.ts";
import type { UserFilter } from "./user/user-repository.ts";
import type { Role } from "./user/user.ts";

/** The user of a session, who makes a request. */
export interface Actor {
  readonly userId: UserId;
  readonly role: Role;
  readonly sessionId: SessionId;
}

/** The reader of a request; `null` for a request without a session. */
export type Viewer = Actor | null;

/** The actor lacks the right to do this. */
export interface Forbidden {
  readonly kind: "forbidden";
}

export function mayChangePost(actor: Actor, post: Post): boolean {
  return mayActFor(actor, post.authorId);
}

/** The filter for the posts that match a query and that the viewer may see: published posts, and {@link visibleDrafts}. */
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
 * The drafts that a viewer may see among the drafts of one author, or among all drafts (`null`). Only its author and admins may
 * see a draft. Published posts are public.
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

export function maySetRoles(actor: Actor): boolean {
  return actor.role === "admin";
}

/** Only admins reassign posts, because an author must not name another person as the author of a post. */
export function mayReassignPosts(actor: Actor): boolean {
  return actor.role === "admin";
}

/** Only admins set a time of publication, for imports. Authors publish at the current time. */
export function maySetPublicationTime(actor: Actor): boolean {
  return actor.role === "admin";
}

/** Users must repeat their own password, so that a stolen session is not enough to take over an account. */
export function mustGiveCurrentPassword(actor: Actor, userId: UserId): boolean {
  return actor.userId === userId;
}

/** `open`: anybody may register as an author. `closed`: only admins create users. */
export type Registration = (typeof REGISTRATIONS)[number];

export const REGISTRATIONS = ["open", "closed"] as const;

/** Admins may always create users. Others may do so while registration is open. */
export function mayCreateUser(viewer: Viewer, registration: Registration): boolean {
  return registration === "open" || viewer?.role === "admin";
}

/**
 * A user with a published post is public, because the post names its author. Other users are visible only to themselves and to
 * admins.
 */
export function maySeeUser(viewer: Viewer, userId: UserId, hasPublishedPost: boolean): boolean {
  return hasPublishedPost || (viewer !== null && mayActFor(viewer, userId));
}

/** The users that a list shows to a viewer. A viewer without a published post is not in the list, unless the viewer is an admin. */
export function visibleUsers(viewer: Viewer): UserFilter {
  return viewer?.role === "admin" ? "everybody" : "published_authors";
}
