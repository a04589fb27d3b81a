import { err, ok, type Result } from "neverthrow";
import type { SessionRepository } from "../../domain/session/session-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { Clock } from "../ports/clock.ts";

export type PurgeExpiredSessionsError = StorageFailure;

/** Few enough that nobody waits long for the storage meanwhile. */
const MAX_AT_ONCE = 1000;

/**
 * Removes the sessions that nobody can use any more, so that the table does not grow for ever.
 *
 * @param isStopping Asked between batches; what is left is removed the next time.
 */
export function purgeExpiredSessions(dependencies: { readonly sessions: SessionRepository; readonly clock: Clock }) {
  const { sessions, clock } = dependencies;
  return async (isStopping: () => boolean = () => false): Promise<Result<void, PurgeExpiredSessionsError>> => {
    const now = clock.now();
    for (;;) {
      const removed = await sessions.deleteExpired(now, MAX_AT_ONCE);
      if (removed.isErr()) return err(removed.error);
      if (removed.value < MAX_AT_ONCE || isStopping()) return ok();
    }
  };
}
