import type { Result } from "neverthrow";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdempotencyKeyRepository } from "../ports/idempotency-keys.ts";

export interface PurgeExpiredIdempotencyKeysDependencies {
  readonly idempotencyKeys: IdempotencyKeyRepository;
  readonly clock: Clock;
}

/** Removes what was kept of requests that count as new when they are repeated now, so that the table does not grow for ever. */
export function purgeExpiredIdempotencyKeys({ idempotencyKeys, clock }: PurgeExpiredIdempotencyKeysDependencies) {
  return async (): Promise<Result<void, StorageFailure>> => idempotencyKeys.deleteExpired(clock.now());
}
