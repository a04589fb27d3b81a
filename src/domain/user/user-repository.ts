import type { Result } from "neverthrow";
import type { EmailAddress } from "./email-address.ts";
import type { AbortSignal } from "../shared/abort-signal.ts";
import type { UserId } from "../shared/id.ts";
import type { Page, PageRequest } from "../shared/page.ts";
import type { PasswordHash } from "./password.ts";
import type { AuthorNotFound } from "../post/post-repository.ts";
import type { StorageFailure } from "../shared/storage-failure.ts";
import type { User } from "./user.ts";
import type { UserRemoval } from "./user-removal.ts";
import type { Version, VersionConflict } from "../shared/version.ts";

export interface UserNotFound {
  readonly kind: "user_not_found";
}

/** Another user has this address, compared by its key. */
export interface EmailTaken {
  readonly kind: "email_taken";
}

/** The user cannot go while posts name them as their author. */
export interface UserHasPosts {
  readonly kind: "user_has_posts";
}

/** The user is the only admin: without them nobody could administer the server. */
export interface LastAdmin {
  readonly kind: "last_admin";
}

/** The users that a list shows: all, or those who have a published post. */
export type UserFilter = "everybody" | "published_authors";

export interface UserRepository {
  /** Stores a new user. Fails with `email_taken` when another user has the address. */
  insert(user: User): Promise<Result<void, EmailTaken | StorageFailure>>;

  /** Fails with `user_not_found`. */
  findById(id: UserId, signal?: AbortSignal): Promise<Result<User, UserNotFound | StorageFailure>>;

  /**
   * The user whose address has the key of this one. Fails with `user_not_found`. Where two users have been kept apart
   * though their addresses have one key, since the rule for keys has changed, it is the one who wrote it like this.
   */
  findByEmail(email: EmailAddress): Promise<Result<User, UserNotFound | StorageFailure>>;

  /** Whether any admin is stored, beside the user `except` where one is named. */
  hasAdmin(except?: UserId): Promise<Result<boolean, StorageFailure>>;

  /** Newest first. */
  list(
    filter: UserFilter,
    page: PageRequest<UserId>,
    signal?: AbortSignal,
  ): Promise<Result<Page<User>, StorageFailure>>;

  /**
   * Replaces the user if the stored version is `expected`; fails with `version_conflict` if it is another, with
   * `user_not_found` when there is none, with `email_taken` when another user has the new address, with `last_admin` when
   * it would leave no admin: also when two admins are demoted or deleted at once.
   */
  update(
    user: User,
    expected: Version,
  ): Promise<Result<void, UserNotFound | VersionConflict | EmailTaken | LastAdmin | StorageFailure>>;

  /**
   * Replaces the hash `current` by `upgraded`, a stronger one of the same password. It is no change of the user, so
   * their version stays. Does nothing when the stored hash is no longer `current`.
   */
  upgradePasswordHash(id: UserId, current: PasswordHash, upgraded: PasswordHash): Promise<Result<void, StorageFailure>>;

  /**
   * Makes a user gone who is at `removal.version`: for every other method nobody has their id or their address any more,
   * and nothing new can be stored for them. What they have stored stays until it is worked off; the removals that would give
   * posts to them have the fate of this one from now on. It writes several times, so it needs a unit of work. Fails with
   * `version_conflict` when the user is at another version, with `user_not_found` when there is none, with `user_has_posts`
   * when the posts are to be kept and there are some or will be, with `author_not_found` when nobody has the id of the new
   * author, with `last_admin` when it would leave no admin: also when two admins are demoted or deleted at once.
   */
  requestRemoval(
    removal: UserRemoval,
  ): Promise<Result<void, UserNotFound | VersionConflict | UserHasPosts | AuthorNotFound | LastAdmin | StorageFailure>>;

  /** The removal of a user as it is now; `null` when none is under way. */
  findRemoval(id: UserId): Promise<Result<UserRemoval | null, StorageFailure>>;

  /** The removals that are under way, oldest first, as many as `most`. */
  listRemovals(most: number): Promise<Result<readonly UserRemoval[], StorageFailure>>;

  /**
   * Removes the user, with what sessions and replay records they still have, if the stored version is `expected`: the end of a
   * removal. Fails with `version_conflict` if it is another, with `user_not_found` when there is none, with `user_has_posts`
   * while posts name them, with `last_admin` when it would leave no admin.
   */
  delete(
    id: UserId,
    expected: Version,
  ): Promise<Result<void, UserNotFound | VersionConflict | UserHasPosts | LastAdmin | StorageFailure>>;
}
