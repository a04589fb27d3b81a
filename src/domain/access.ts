import type { SessionId, UserId } from "./id.ts";
import type { Post, PostStatus } from "./post.ts";
import type { PostFilter, PostSort } from "./post-repository.ts";
import type { SearchQuery } from "./post-search.ts";
import type { Role, User } from "./user.ts";

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

/** Published posts are public; a draft is seen by its author and by admins. */
export function maySeePost(viewer: Viewer, post: Post): boolean {
  return post.status === "published" || (viewer !== null && mayChangePost(viewer, post));
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

/** The posts that are asked for among those that {@link maySeePost} lets a viewer see. */
export function visiblePosts(viewer: Viewer, query: PostQuery | PostSearch): PostFilter {
  const { authorId, status, publishedAfter: after, publishedBefore: before } = query;
  const isByPublication = "sort" in query && query.sort.by === "published";
  const isOfPublished = status === "published" || after !== null || before !== null || isByPublication;
  return {
    published: status === "draft" ? null : { authorId, after, before },
    drafts: isOfPublished ? null : visibleDrafts(viewer, authorId),
  };
}

function visibleDrafts(viewer: Viewer, authorId: UserId | null): PostFilter["drafts"] {
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

/** What a viewer sees of a user: never the password hash, and the address only where they may act for the user. */
export type UserProfile = Omit<User, "passwordHash" | "email"> & { readonly email: User["email"] | null };

/** What users see of themselves. */
export function ownProfile({ passwordHash: _, ...profile }: User): UserProfile {
  return profile;
}

export function profileFor(viewer: Viewer, user: User): UserProfile {
  const profile = ownProfile(user);
  return viewer !== null && mayActFor(viewer, user.id) ? profile : { ...profile, email: null };
}
