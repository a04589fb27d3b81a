import type { Branded } from "./branded.ts";

/** The version of an entity: 1 when it is new, one more with each change. */
export type Version = Branded<number, "Version">;

export const FIRST_VERSION = 1 as Version;

export function nextVersion(version: Version): Version {
  return (version + 1) as Version;
}

/** Parses a positive safe integer; `null` for any other number. */
export function parseVersion(raw: number): Version | null {
  return Number.isSafeInteger(raw) && raw >= FIRST_VERSION ? (raw as Version) : null;
}

/** The stored entity no longer has the version on which the change was based. */
export interface VersionConflict {
  readonly kind: "version_conflict";
}
