import { ok, type Result } from "neverthrow";
import { fail } from "../domain/shared/fail.ts";
import type { Version, VersionConflict } from "../domain/shared/version.ts";

/** The versions that a client is willing to change: some, all but some, or all (`null`). */
export type ExpectedVersions = readonly Version[] | { readonly except: readonly Version[] } | null;

/** The stored version is none that the client is willing to change. */
export interface PreconditionFailed {
  readonly kind: "precondition_failed";
}

export function requireVersion(
  stored: { readonly version: Version },
  expected: ExpectedVersions,
): Result<void, PreconditionFailed> {
  return isExpected(stored.version, expected) ? ok() : fail({ kind: "precondition_failed" });
}

function isExpected(version: Version, expected: ExpectedVersions): boolean {
  if (expected === null) return true;
  return "except" in expected ? !expected.except.includes(version) : expected.includes(version);
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
