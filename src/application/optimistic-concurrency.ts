import { ok, type Result } from "neverthrow";
import { fail } from "../domain/fail.ts";
import type { Version, VersionConflict } from "../domain/version.ts";

/** The versions that a client is willing to change; `null` when it did not say. */
export type ExpectedVersions = readonly Version[] | null;

/** The stored version is none of those that the client expected. */
export interface PreconditionFailed {
  readonly kind: "precondition_failed";
}

export function requireVersion(
  stored: { readonly version: Version },
  expected: ExpectedVersions,
): Result<void, PreconditionFailed> {
  return expected === null || expected.includes(stored.version) ? ok() : fail({ kind: "precondition_failed" });
}

const MAX_ATTEMPTS = 5;

/**
 * Runs `attempt`, which reads, decides and writes, again while others change what it read. A client that named a
 * version gets `precondition_failed` from the repetition; one that did not never sees the race, unless it loses so
 * often that `version_conflict` tells it to come back later.
 */
export async function retryLostRaces<T, E extends { readonly kind: string }>(
  attempt: () => Promise<Result<T, E | VersionConflict>>,
): Promise<Result<T, E | VersionConflict>> {
  for (let attempts = 1; ; attempts++) {
    const result = await attempt();
    if (result.isOk() || result.error.kind !== "version_conflict" || attempts === MAX_ATTEMPTS) return result;
  }
}
