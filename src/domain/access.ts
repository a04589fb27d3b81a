import type { SessionId, UserId } from "./shared/id.ts";
import type { Post, PostStatus } from "./post/post.ts";
import type { DraftFilter, PostFilter, PostSort } from "./post/post-repository.ts";
import type { SearchQuery } from "./post/post-search.ts";
import type { UserFilter } from "./user/user-repository.ts";
import type { Role, User } from "./user/user.ts";

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

/** The posts that a viewer asks for; `null` asks for nothing in particular. */
interface PostCriteria {
  readonly authorId: UserId | null;
  readonly status: PostStatus | null;
  /** Bounds of when they were published, which no draft was; neither is in it. */
  readonly publishedAfter: Date | null;
  readonly publishedBefore: Date | null;
}

/** The posts that a viewer asks for in an order. */
export interface PostQuery extends PostCriteria {
  readonly sort: PostSort;
}

/** The posts that a viewer asks for by what they say. */
export interface PostSearch extends PostCriteria {
  readonly search: SearchQuery;
}

/** The posts that are asked for among those that a viewer may see: published ones, and {@link visibleDrafts}. */
export function visiblePosts(viewer: Viewer, query: PostQuery | PostSearch): PostFilter {
  const { authorId, status, publishedAfter: after, publishedBefore: before } = query;
  const isByPublication = "sort" in query && query.sort.by === "published";
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

/**
 * What a viewer sees of a user: never the password hash; the address and the role only where they may act for the user.
 * A public role would tell an attacker which accounts are worth an attack.
 */
export type UserProfile = Omit<User, "passwordHash" | "email" | "role"> & {
  readonly email: User["email"] | null;
  readonly role: Role | null;
};

/** What users see of themselves, and admins of everybody. */
export function ownProfile({ passwordHash: _, ...profile }: User): UserProfile {
  return profile;
}

export function profileFor(viewer: Viewer, user: User): UserProfile {
  const profile = ownProfile(user);
  return viewer !== null && mayActFor(viewer, user.id) ? profile : { ...profile, email: null, role: null };
}
