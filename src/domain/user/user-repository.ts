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

/** The user cannot be removed while posts name the user as their author. */
export interface UserHasPosts {
  readonly kind: "user_has_posts";
}

/** The user is the only admin, and the server needs one. */
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
   * Finds the user whose address has the same key. Fails with `user_not_found`. After a change of the rule for keys, two users
   * may have addresses with the same key. Then an exact match of the address comes first.
   */
  findByEmail(email: EmailAddress): Promise<Result<User, UserNotFound | StorageFailure>>;

  /** Whether an admin exists, other than the user `except`. */
  hasAdmin(except?: UserId): Promise<Result<boolean, StorageFailure>>;

  /** Newest first. */
  list(
    filter: UserFilter,
    page: PageRequest<UserId>,
    signal?: AbortSignal,
  ): Promise<Result<Page<User>, StorageFailure>>;

  /**
   * Replaces the user if the stored version is `expected`. Fails with
   *
   * - `version_conflict` if the user has another version,
   * - `user_not_found` when there is none,
   * - `email_taken` when another user has the new address,
   * - `last_admin` when no admin would remain, also when two admins are demoted or deleted at the same time.
   */
  update(
    user: User,
    expected: Version,
  ): Promise<Result<void, UserNotFound | VersionConflict | EmailTaken | LastAdmin | StorageFailure>>;

  /**
   * Replaces the hash `current` by `upgraded`, a stronger hash of the same password. The version of the user stays, because
   * clients see no change. Does nothing when the stored hash is no longer `current`.
   */
  upgradePasswordHash(id: UserId, current: PasswordHash, upgraded: PasswordHash): Promise<Result<void, StorageFailure>>;

  /**
   * Begins the removal of a user with the version `removal.version`. From now on no other method finds the user, the address is
   * free, and nothing new can be stored for the user. Stored data stays until the batches of the removal delete it. Other
   * removals that reassign posts to this user take over the fate of this one. It writes several times, so it needs a unit of
   * work. Fails with
   *
   * - `version_conflict` when the user has another version,
   * - `user_not_found` when there is none,
   * - `user_has_posts` with the fate `keep`, when the user has posts or is about to get posts of another removal,
   * - `author_not_found` when no user has the id of the new author,
   * - `last_admin` when no admin would remain, also when two admins are demoted or deleted at the same time.
   */
  requestRemoval(
    removal: UserRemoval,
  ): Promise<Result<void, UserNotFound | VersionConflict | UserHasPosts | AuthorNotFound | LastAdmin | StorageFailure>>;

  /** The current removal of a user; `null` when there is none. */
  findRemoval(id: UserId): Promise<Result<UserRemoval | null, StorageFailure>>;

  /** The oldest unfinished removals, at most `maxRows`, oldest first. */
  listRemovals(maxRows: number): Promise<Result<readonly UserRemoval[], StorageFailure>>;

  /**
   * Deletes the user with all remaining sessions and replay records, if the stored version is `expected`. It ends a removal.
   * Fails with
   *
   * - `version_conflict` if the user has another version,
   * - `user_not_found` when there is none,
   * - `user_has_posts` while posts name the user as their author,
   * - `last_admin` when no admin would remain.
   */
  delete(
    id: UserId,
    expected: Version,
  ): Promise<Result<void, UserNotFound | VersionConflict | UserHasPosts | LastAdmin | StorageFailure>>;
}
