import { err, ok, type Result } from "neverthrow";
import type { SessionRepository } from "../../domain/session/session-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { Clock } from "../ports/clock.ts";

export type PurgeExpiredSessionsError = StorageFailure;

/** Other requests wait for a batch on the embedded engine, so a batch is small. */
const MAX_BATCH_ROWS = 1000;

/**
 * Deletes expired sessions, so that the table does not grow without bound.
 *
 * @param isStopping Called between batches. `true` ends the run; the next run deletes the rest.
 */
export function purgeExpiredSessions(dependencies: { readonly sessions: SessionRepository; readonly clock: Clock }) {
  const { sessions, clock } = dependencies;
  return async (isStopping: () => boolean = () => false): Promise<Result<void, PurgeExpiredSessionsError>> => {
    const now = clock.now();
    for (;;) {
      const removed = await sessions.deleteExpired(now, MAX_BATCH_ROWS);
      if (removed.isErr()) return err(removed.error);
      if (removed.value < MAX_BATCH_ROWS || isStopping()) return ok();
    }
  };
}
