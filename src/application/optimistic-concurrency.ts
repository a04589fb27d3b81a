import { ok, type Result } from "neverthrow";
import { fail } from "../domain/shared/fail.ts";
import type { Version, VersionConflict } from "../domain/shared/version.ts";

/** The versions that a client accepts: some, all but some, or all (`null`). */
export type ExpectedVersions = readonly Version[] | { readonly except: readonly Version[] } | null;

/** The client does not accept the stored version. */
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
 * Runs `attempt`, which reads, decides and writes, again after a lost race. A client that named a version then gets
 * `precondition_failed`. Other clients do not notice the race, unless it is lost so often that they get `version_conflict`.
 */
export async function retryLostRaces<T, E extends { readonly kind: string }>(
  attempt: () => Promise<Result<T, E | VersionConflict>>,
): Promise<Result<T, E | VersionConflict>> {
  for (let attempts = 1; ; attempts++) {
    const result = await attempt();
    if (result.isOk() || result.error.kind !== "version_conflict" || attempts === MAX_ATTEMPTS) return result;
  }
}
