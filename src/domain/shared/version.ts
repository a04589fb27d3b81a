import type { Branded } from "./branded.ts";

/** How often an entity was stored: 1 when it is new, one more with each change. */
export type Version = Branded<number, "Version">;

export const FIRST_VERSION = 1 as Version;

export function nextVersion(version: Version): Version {
  return (version + 1) as Version;
}

/** Reads a positive whole number; anything else is not a version. */
export function parseVersion(raw: number): Version | null {
  return Number.isSafeInteger(raw) && raw >= FIRST_VERSION ? (raw as Version) : null;
}

/** The stored entity is no longer at the version that the change was made from. */
export interface VersionConflict {
  readonly kind: "version_conflict";
}
