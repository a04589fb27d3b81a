import type { Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import type { SessionId } from "../../domain/id.ts";
import type { Page, PageRequest } from "../../domain/page.ts";
import type { Session } from "../../domain/session.ts";
import type { SessionRepository } from "../../domain/session-repository.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import type { Clock } from "../ports/clock.ts";

export type ListSessionsError = StorageFailure;

/** The actor's own sessions that are alive. */
export function listSessions({ sessions, clock }: { readonly sessions: SessionRepository; readonly clock: Clock }) {
  return async (actor: Actor, request: PageRequest<SessionId>): Promise<Result<Page<Session>, ListSessionsError>> =>
    sessions.listByUser(actor.userId, clock.now(), request);
}
