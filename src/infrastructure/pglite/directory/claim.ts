import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { err, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { checkDescriptors, type DescriptorsTooFew } from "../../node/file-descriptors.ts";
import { lockDataDirectory, type DataDirectoryInUse, type DataDirectoryLock } from "./lock.ts";
import { recogniseDirectory, type DataDirectoryForeign } from "./recognise.ts";

/** The directory cannot be made or read. */
export interface DataDirectoryUnusable {
  readonly kind: "data_directory_unusable";
  readonly directory: string;
  readonly cause: unknown;
}

/** A data directory that no other process has until it is released. */
export interface ClaimedDirectory extends DataDirectoryLock {
  /** Its absolute path. */
  readonly directory: string;
}

export type ClaimError = DescriptorsTooFew | DataDirectoryInUse | DataDirectoryForeign | DataDirectoryUnusable;

/**
 * Makes a data directory when there is none, and takes it for this process. It comes first and needs little, so that
 * whoever finds it taken learns so at once. Nothing is written to a directory that holds something else.
 */
export function claimDataDirectory(path: string): Result<ClaimedDirectory, ClaimError> {
  const directory = resolve(path);
  const descriptors = checkDescriptors();
  if (descriptors.isErr()) return err(descriptors.error);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const recognised = recogniseDirectory(directory);
    if (recognised.isErr()) return err(recognised.error);
    return lockDataDirectory(directory).map(({ release }) => ({ directory, release }));
  } catch (cause) {
    return fail({ kind: "data_directory_unusable", directory, cause });
  }
}
