import { err, ok, type Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import type { SessionRepository } from "../../domain/session/session-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";

export type LogOutError = StorageFailure;

/** Revokes the session of the request. It also succeeds when the session was revoked in the meantime. */
export function logOut({ sessions }: { readonly sessions: SessionRepository }) {
  return async (actor: Actor): Promise<Result<void, LogOutError>> =>
    (await sessions.delete(actor.sessionId, actor.userId)).orElse((failure) =>
      failure.kind === "session_not_found" ? ok() : err(failure),
    );
}
