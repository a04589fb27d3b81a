import { resolve } from "node:path";
import { err, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { checkDescriptors, type DescriptorsTooFew } from "../../node/file-descriptors.ts";
import { createDirectory } from "./create-directory.ts";
import type { KernelLockUnavailable } from "./kernel-lock.ts";
import { lockDataDirectory, type DataDirectoryInUse, type DataDirectoryLock } from "./lock.ts";
import { recogniseDirectory, type DataDirectoryForeign } from "./recognise.ts";

/** The directory cannot be created, read or written. */
export interface DataDirectoryUnusable {
  readonly kind: "data_directory_unusable";
  readonly directory: string;
  readonly cause: unknown;
}

/** A data directory that this process holds until it is released. */
export interface ClaimedDirectory extends DataDirectoryLock {
  /** Its absolute path. */
  readonly directory: string;
}

export type ClaimError =
  DescriptorsTooFew | KernelLockUnavailable | DataDirectoryInUse | DataDirectoryForeign | DataDirectoryUnusable;

/**
 * Locks a data directory for this process, and creates it if it is missing. This is the first step of a start and a
 * fast one, so a second process ends immediately. Nothing is written to a directory with foreign files.
 */
export async function claimDataDirectory(path: string): Promise<Result<ClaimedDirectory, ClaimError>> {
  const directory = resolve(path);
  const descriptors = checkDescriptors();
  if (descriptors.isErr()) return err(descriptors.error);
  try {
    await createDirectory(directory);
    const recognised = recogniseDirectory(directory);
    if (recognised.isErr()) return err(recognised.error);
    return lockDataDirectory(directory).map(({ release }) => ({ directory, release }));
  } catch (cause) {
    return fail({ kind: "data_directory_unusable", directory, cause });
  }
}
