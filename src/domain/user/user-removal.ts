import type { UserId } from "../shared/id.ts";
import type { Version } from "../shared/version.ts";

/** The fate of the posts of a removed user. `keep` means that a user with posts is not removed. */
export type PostsFate =
  { readonly kind: "keep" } | { readonly kind: "delete" } | { readonly kind: "reassign"; readonly to: UserId };

/**
 * The removal of a user. The user disappears immediately for all readers. Posts, sessions and replay records are removed in
 * batches afterwards, and the row of the user is deleted last.
 */
export interface UserRemoval {
  readonly userId: UserId;
  /** The version of the user at the request of the removal. */
  readonly version: Version;
  readonly posts: PostsFate;
  readonly requestedAt: Date;
}
