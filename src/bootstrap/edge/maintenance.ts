import type { Result } from "neverthrow";
import type { UseCases } from "../../application/application.ts";
import type { Log } from "../../application/ports/log.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { purgeExpired } from "../background/expiry-purge.ts";
import { resumeRemovals } from "../background/removal-work.ts";
import { renewOutdatedTitleKeys } from "../background/title-key-renewal.ts";
import type { WorkerStorage } from "./worker-storage.ts";

const never = () => false;

/** The periodic work of the server, once, for a runtime that calls it on a schedule. A part that fails does not stop the others. */
export async function maintainOnce(useCases: UseCases, storage: WorkerStorage, log: Log): Promise<void> {
  const { searchIndex, renewTitleKeys, purgeRateLimits } = storage;
  await purgeExpired({ ...useCases, purgeRateLimits }, log, never);
  await resumeRemovals(useCases, log);
  if (renewTitleKeys !== undefined) await renewOutdatedTitleKeys(renewTitleKeys, log, never);
  if (searchIndex !== undefined) warn(await searchIndex.sweep(), "posts were not indexed for the search yet", log);
}

function warn(outcome: Result<unknown, StorageFailure>, message: string, log: Log): void {
  if (outcome.isErr()) log.warn({ failure: outcome.error }, message);
}
