import type { Result } from "neverthrow";
import type { AbortSignal } from "../shared/abort-signal.ts";
import type { SessionId, UserId } from "../shared/id.ts";
import type { Page, PageRequest } from "../shared/page.ts";
import type { Session, TokenDigest } from "./session.ts";
import type { StorageFailure } from "../shared/storage-failure.ts";
import type { UserNotFound } from "../user/user-repository.ts";
import type { Version, VersionConflict } from "../shared/version.ts";

export interface SessionNotFound {
  readonly kind: "session_not_found";
}

/** The next log-in revokes the oldest session. The bound keeps the revocation of all sessions one short statement. */
export const MAX_SESSIONS_PER_USER = 1000;

export interface SessionRepository {
  /**
   * Stores a new session of a user with the version `userVersion`. Until the unit of work ends, no other unit changes that user. So a
   * concurrent change of the password or of the address, which revokes sessions, either causes a conflict or revokes this one too.
   * Fails with `version_conflict` if the user has another version, with `user_not_found` when no user has `session.userId`.
   */
  insert(
    session: Session,
    userVersion: Version,
  ): Promise<Result<void, UserNotFound | VersionConflict | StorageFailure>>;

  /** Finds a session, also an expired one. Fails with `session_not_found`. */
  findByTokenDigest(
    digest: TokenDigest,
    signal?: AbortSignal,
  ): Promise<Result<Session, SessionNotFound | StorageFailure>>;

  /** The sessions of a user that have not expired at `now`, newest first. */
  listByUser(
    userId: UserId,
    now: Date,
    page: PageRequest<SessionId>,
    signal?: AbortSignal,
  ): Promise<Result<Page<Session>, StorageFailure>>;

  /** Stores `lastUsedAt` and `expiresAt` of a used session. Fails with `session_not_found`. */
  renew(session: Session): Promise<Result<void, SessionNotFound | StorageFailure>>;

  /** Deletes a user's session. Fails with `session_not_found` when the user has no session with this id. */
  delete(id: SessionId, userId: UserId): Promise<Result<void, SessionNotFound | StorageFailure>>;

  /** Deletes up to `maxRows` of a user's sessions, except the newest `kept`. Returns the number of deleted sessions. */
  deleteOldest(userId: UserId, kept: number, maxRows: number): Promise<Result<number, StorageFailure>>;

  /** Deletes all sessions of a user except `kept`, in one statement that {@link MAX_SESSIONS_PER_USER} bounds. */
  deleteByUser(userId: UserId, kept: SessionId | null): Promise<Result<void, StorageFailure>>;

  /** Deletes up to `maxRows` sessions that have expired at `now`. Returns the number of deleted sessions. */
  deleteExpired(now: Date, maxRows: number): Promise<Result<number, StorageFailure>>;
}
