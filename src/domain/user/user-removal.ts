import type { UserId } from "../shared/id.ts";
import type { Version } from "../shared/version.ts";

/** The posts of a user who goes: with `keep`, a user who has posts cannot go. */
export type PostsFate =
  { readonly kind: "keep" } | { readonly kind: "delete" } | { readonly kind: "reassign"; readonly to: UserId };

/**
 * The removal of a user, from its request to its end. The user is gone at once; their posts, sessions and replay records
 * are worked off in batches, and their row goes last.
 */
export interface UserRemoval {
  readonly userId: UserId;
  /** The version that the user was removed at. */
  readonly version: Version;
  readonly posts: PostsFate;
  readonly requestedAt: Date;
}
