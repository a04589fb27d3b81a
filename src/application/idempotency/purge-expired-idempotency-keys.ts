import { err, ok, type Result } from "neverthrow";
import type { BatchLimits } from "../../domain/shared/batch.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdempotencyKeyRepository } from "../ports/idempotency-keys.ts";

export interface PurgeExpiredIdempotencyKeysDependencies {
  readonly idempotencyKeys: IdempotencyKeyRepository;
  readonly clock: Clock;
}

/** Few and small enough that nobody waits long for the storage meanwhile: an answer may be as long as a post. */
const BATCH: BatchLimits = { rows: 500, bytes: 4 * 1_048_576 };

/**
 * Removes what was kept of requests that count as new when they are repeated now, so that the table does not grow for ever.
 *
 * @param isStopping Asked between batches; what is left is removed the next time.
 */
export function purgeExpiredIdempotencyKeys({ idempotencyKeys, clock }: PurgeExpiredIdempotencyKeysDependencies) {
  return async (isStopping: () => boolean = () => false): Promise<Result<void, StorageFailure>> => {
    const now = clock.now();
    for (;;) {
      const removed = await idempotencyKeys.deleteExpired(now, BATCH);
      if (removed.isErr()) return err(removed.error);
      if (removed.value === 0 || isStopping()) return ok();
    }
  };
}
