/** `quire-api`: the API on any storage, and what a storage of one's own needs. */
export { quire, type Quire, type QuireOptions } from "../bootstrap/quire.ts";
export type { MaintainedStorage } from "../bootstrap/background/background-work.ts";

export type { UseCases } from "../application/application.ts";
export type { Clock } from "../application/ports/clock.ts";
export type { IdGenerator } from "../application/ports/id-generator.ts";
export type { IdempotencyCipher, RequestCipher } from "../application/ports/idempotency-cipher.ts";
export type { Admission, IdempotencyKeyRepository } from "../application/ports/idempotency-keys.ts";
export type { Log } from "../application/ports/log.ts";
export type { PasswordHasher, PasswordHashingError, PasswordVerdict } from "../application/ports/password-hasher.ts";
export type { Quota, RateLimiter, RatePolicy } from "../application/ports/rate-limiter.ts";
export type { SessionTokens } from "../application/ports/session-tokens.ts";
export type { Durability, StorageProbe, StorageStatus } from "../application/ports/storage-probe.ts";
export type { StopUnclean, Storage } from "../application/ports/storage.ts";
export type { Repositories, UnitOfWork } from "../application/ports/unit-of-work.ts";
export type { HttpSettings } from "../interfaces/http/settings.ts";

export { isVisible, sortKey, type DraftFilter, type PostFilter, type PostSort } from "../domain/post/post-list.ts";
export { toFoundPostPage, toPostPage } from "../domain/post/post-page.ts";
export type { BatchCursor, PostRepository, RecordedPost } from "../domain/post/post-repository.ts";
export { restorePost, type Post } from "../domain/post/post.ts";
export type { SessionRepository } from "../domain/session/session-repository.ts";
export { isExpired, type Session, type TokenDigest } from "../domain/session/session.ts";
export type { AbortSignal } from "../domain/shared/abort-signal.ts";
export type { BatchLimits } from "../domain/shared/batch.ts";
export { fail } from "../domain/shared/fail.ts";
export type { Id, PostId, SessionId, UserId } from "../domain/shared/id.ts";
export { storedRecordBytes, type IdempotencyRecord, type KeyDigest } from "../domain/shared/idempotency-record.ts";
export { toPage, type Page, type PageCursor, type PageRequest } from "../domain/shared/page.ts";
export { cancelledRead, type StorageFailure, type StorageFailureReason } from "../domain/shared/storage-failure.ts";
export { storedPostBytes } from "../domain/shared/storage-quota.ts";
export { nextVersion, type Version } from "../domain/shared/version.ts";
export { emailKey } from "../domain/user/email-address.ts";
export type { PostsFate, UserRemoval } from "../domain/user/user-removal.ts";
export type { UserFilter, UserRepository } from "../domain/user/user-repository.ts";
export type { User } from "../domain/user/user.ts";
