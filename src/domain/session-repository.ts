import type { Result } from "neverthrow";
import type { SessionId, UserId } from "./id.ts";
import type { Page, PageRequest } from "./page.ts";
import type { Session, TokenDigest } from "./session.ts";
import type { StorageFailure } from "./storage-failure.ts";
import type { UserNotFound } from "./user-repository.ts";

export interface SessionNotFound {
  readonly kind: "session_not_found";
}

export interface SessionRepository {
  /** Stores a new session. Fails with `user_not_found` when no user has `session.userId`. */
  insert(session: Session): Promise<Result<void, UserNotFound | StorageFailure>>;

  /** Finds a session, an expired one too. Fails with `session_not_found`. */
  findByTokenDigest(digest: TokenDigest): Promise<Result<Session, SessionNotFound | StorageFailure>>;

  /** The sessions of a user that have not expired at `now`, newest first. */
  listByUser(userId: UserId, now: Date, page: PageRequest<SessionId>): Promise<Result<Page<Session>, StorageFailure>>;

  /** Stores `lastUsedAt` and `expiresAt` of a used session. Fails with `session_not_found`. */
  renew(session: Session): Promise<Result<void, SessionNotFound | StorageFailure>>;

  /** Removes a user's session. Fails with `session_not_found` when the user has none with this id. */
  delete(id: SessionId, userId: UserId): Promise<Result<void, SessionNotFound | StorageFailure>>;

  /** Removes every session of a user but `kept`. */
  deleteByUser(userId: UserId, kept: SessionId | null): Promise<Result<void, StorageFailure>>;

  /** Removes the sessions of all users that have expired at `now`. */
  deleteExpired(now: Date): Promise<Result<void, StorageFailure>>;
}
