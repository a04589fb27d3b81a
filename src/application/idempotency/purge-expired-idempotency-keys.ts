import { err, ok, type Result } from "neverthrow";
import type { BatchLimits } from "../../domain/shared/batch.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdempotencyKeyRepository } from "../ports/idempotency-keys.ts";

export interface PurgeExpiredIdempotencyKeysDependencies {
  readonly idempotencyKeys: IdempotencyKeyRepository;
  readonly clock: Clock;
}

/** Limits a batch of replay records. Other requests wait for it on the embedded engine. A record may be as long as a post. */
export const RECORD_BATCH: BatchLimits = { rows: 500, bytes: 4 * 1_048_576 };

/**
 * Deletes expired replay records, so that the table does not grow without bound.
 *
 * @param isStopping Called between batches. `true` ends the run; the next run deletes the rest.
 */
export function purgeExpiredIdempotencyKeys({ idempotencyKeys, clock }: PurgeExpiredIdempotencyKeysDependencies) {
  return async (isStopping: () => boolean = () => false): Promise<Result<void, StorageFailure>> => {
    const now = clock.now();
    for (;;) {
      const removed = await idempotencyKeys.deleteExpired(now, RECORD_BATCH);
      if (removed.isErr()) return err(removed.error);
      if (removed.value === 0 || isStopping()) return ok();
    }
  };
}
