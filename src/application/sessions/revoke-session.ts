import type { Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import type { SessionId } from "../../domain/shared/id.ts";
import type { SessionNotFound, SessionRepository } from "../../domain/session/session-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";

export type RevokeSessionError = SessionNotFound | StorageFailure;

/** Revokes one of the actor's own sessions. */
export function revokeSession({ sessions }: { readonly sessions: SessionRepository }) {
  return async (actor: Actor, id: SessionId): Promise<Result<void, RevokeSessionError>> =>
    sessions.delete(id, actor.userId);
}
