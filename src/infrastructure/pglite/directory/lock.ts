import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { tryLock } from "fs-native-extensions";
import { ok, type Result } from "neverthrow";
import { z } from "zod";
import { fail } from "../../../domain/shared/fail.ts";

/** Who holds a data directory. */
export type LockHolder = z.infer<typeof LockHolder>;

const LockHolder = z.object({ pid: z.number(), host: z.string(), since: z.string() });

/** Another process has the data directory; `holder` is `null` where it has not written yet who it is. */
export interface DataDirectoryInUse {
  readonly kind: "data_directory_in_use";
  readonly directory: string;
  readonly holder: LockHolder | null;
}

export interface DataDirectoryLock {
  readonly release: () => void;
}

export const LOCK_FILE = "quire.lock";
/** Longer than any holder: a host name has 255 characters at most. */
const HOLDER_LENGTH = 400;

/**
 * Takes the data directory for this process. The kernel holds the lock and drops it with the process, however that
 * ends, so none is ever stale; what the file says of its holder is for people. Fails with `data_directory_in_use`.
 */
export function lockDataDirectory(directory: string): Result<DataDirectoryLock, DataDirectoryInUse> {
  const path = join(directory, LOCK_FILE);
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  if (!tryLock(descriptor)) {
    closeSync(descriptor);
    return fail({ kind: "data_directory_in_use", directory, holder: readHolder(path) });
  }
  const holder: LockHolder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  // In place and of one length, which a full disk allows, and which never leaves half of another holder.
  writeSync(descriptor, `${JSON.stringify(holder).padEnd(HOLDER_LENGTH)}\n`, 0);
  let isHeld = true;
  const release = () => {
    // By a second time the descriptor's number may be another file's.
    if (isHeld) closeSync(descriptor);
    isHeld = false;
  };
  return ok({ release });
}

function readHolder(path: string): LockHolder | null {
  try {
    return LockHolder.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return null;
  }
}
