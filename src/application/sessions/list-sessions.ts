import type { Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import type { SessionId } from "../../domain/shared/id.ts";
import type { Page, PageRequest } from "../../domain/shared/page.ts";
import type { Session } from "../../domain/session/session.ts";
import type { SessionRepository } from "../../domain/session/session-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { Clock } from "../ports/clock.ts";

export type ListSessionsError = StorageFailure;

/** Lists the actor's active sessions. */
export function listSessions({ sessions, clock }: { readonly sessions: SessionRepository; readonly clock: Clock }) {
  return async (
    actor: Actor,
    request: PageRequest<SessionId>,
    signal?: AbortSignal,
  ): Promise<Result<Page<Session>, ListSessionsError>> =>
    sessions.listByUser(actor.userId, clock.now(), request, signal);
}
