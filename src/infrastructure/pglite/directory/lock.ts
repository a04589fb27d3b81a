import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { err, ok, type Result } from "neverthrow";
import * as z from "zod";
import { fail } from "../../../domain/shared/fail.ts";
import { kernelLock, type KernelLockUnavailable } from "./kernel-lock.ts";
import { LOCK_FILE } from "./layout.ts";

/** The process that holds a data directory. */
export type LockHolder = z.infer<typeof LockHolder>;

const LockHolder = z.object({ pid: z.number(), host: z.string(), since: z.string() });

/** Another process holds the data directory. `holder` is `null` until it has written the lock file. */
export interface DataDirectoryInUse {
  readonly kind: "data_directory_in_use";
  readonly directory: string;
  readonly holder: LockHolder | null;
}

export interface DataDirectoryLock {
  readonly release: () => void;
}

/** Longer than the text of any holder: a host name has at most 255 characters. */
const HOLDER_LENGTH = 400;

/**
 * Locks the data directory for this process. The kernel releases the lock when the process ends for any reason, so no
 * lock is ever stale. The text in the file is only for people. Fails with `data_directory_in_use` or `kernel_lock_unavailable`.
 */
export function lockDataDirectory(
  directory: string,
): Result<DataDirectoryLock, DataDirectoryInUse | KernelLockUnavailable> {
  const tryLock = kernelLock();
  if (tryLock.isErr()) return err(tryLock.error);
  const path = join(directory, LOCK_FILE);
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  let isLocked = false;
  try {
    isLocked = tryLock.value(descriptor);
    if (isLocked) writeHolder(descriptor);
  } catch (thrown) {
    // An open descriptor keeps the lock.
    closeSync(descriptor);
    throw thrown;
  }
  if (!isLocked) {
    closeSync(descriptor);
    return fail({ kind: "data_directory_in_use", directory, holder: readHolder(path) });
  }
  let isHeld = true;
  const release = () => {
    // A second close could close another file that got the same descriptor.
    if (isHeld) closeSync(descriptor);
    isHeld = false;
  };
  return ok({ release });
}

/** A text of constant length, written in place, works on a full disk and overwrites the previous holder completely. */
function writeHolder(descriptor: number): void {
  const holder: LockHolder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  writeSync(descriptor, `${JSON.stringify(holder).padEnd(HOLDER_LENGTH)}\n`, 0);
}

function readHolder(path: string): LockHolder | null {
  try {
    return LockHolder.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return null;
  }
}
