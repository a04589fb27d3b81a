import type { Result } from "neverthrow";
import type { SessionRepository } from "../../domain/session-repository.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import type { Clock } from "../ports/clock.ts";

export type PurgeExpiredSessionsError = StorageFailure;

/** Removes the sessions that nobody can use any more, so that the table does not grow for ever. */
export function purgeExpiredSessions(dependencies: { readonly sessions: SessionRepository; readonly clock: Clock }) {
  const { sessions, clock } = dependencies;
  return async (): Promise<Result<void, PurgeExpiredSessionsError>> => sessions.deleteExpired(clock.now());
}
