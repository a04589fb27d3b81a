import type { Result } from "neverthrow";
import type { UseCases } from "../../application/application.ts";
import type { Log } from "../../application/ports/log.ts";
import type { Storage } from "../../application/ports/storage.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { SearchIndex } from "../../infrastructure/drizzle/search/search-index.ts";
import type { RenewTitleKeys } from "../../infrastructure/drizzle/title-keys.ts";
import { notePostChanges } from "../../infrastructure/storage/post-changes.ts";
import { startExpiryPurge } from "./expiry-purge.ts";
import type { PeriodicWork } from "./periodic-work.ts";
import { startRemovals } from "./removal-work.ts";
import { searchIndexing } from "./search-indexing.ts";
import { startTitleKeyRenewal } from "./title-key-renewal.ts";

/** A storage with the parts that need work in the background. A storage that keeps them up to date itself has none. */
export interface MaintainedStorage extends Storage {
  readonly searchIndex?: SearchIndex;
  readonly renewTitleKeys?: RenewTitleKeys;
  /** Deletes the counts of rate limits whose window has ended at this time, if the storage can count them. */
  readonly purgeRateLimits?: (now: Date) => Promise<Result<void, StorageFailure>>;
  /** Whether no request waits for the database. Without it, the work never waits for requests. */
  readonly isIdle?: () => boolean;
}

export type BackgroundWork = ReturnType<typeof backgroundWork>;

/** A storage that reports its changes to the background work, and the start of that work. */
export function backgroundWork(maintained: MaintainedStorage, log: Log) {
  const { searchIndex, renewTitleKeys, purgeRateLimits, isIdle = () => true } = maintained;
  const indexing = searchIndex === undefined ? null : searchIndexing({ index: searchIndex, isIdle, log });
  return {
    storage: indexing === null ? maintained : notePostChanges(maintained, indexing),
    indexingBacklog: () => indexing?.backlog() ?? null,
    start: (useCases: UseCases): PeriodicWork => {
      const running = [startExpiryPurge({ ...useCases, purgeRateLimits }, log), startRemovals(useCases, log)];
      if (renewTitleKeys !== undefined) running.push(startTitleKeyRenewal(renewTitleKeys, log));
      if (indexing !== null) running.push(indexing);
      indexing?.start();
      return { stop: async () => void (await Promise.all(running.map(async (work) => work.stop()))) };
    },
  };
}
