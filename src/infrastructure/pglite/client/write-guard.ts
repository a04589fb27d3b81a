import { driverError } from "../../sql/driver-error.ts";
import type { DiskSpace } from "../directory/disk-space.ts";
import { isDamageReport, type DatabaseError } from "../engine/wire-protocol.ts";
import { isFreeOfRows } from "./low-disk-statements.ts";
import { isFileFailure, type WriteCircuitBreaker } from "./write-circuit-breaker.ts";

export interface WriteGuardOptions {
  readonly space: Pick<DiskSpace, "isLow" | "canFree" | "beginWrite" | "logRefusal">;
  /** Called for every error that reports damaged files. */
  readonly onDamage: (error: DatabaseError) => void;
  /** Whether files are known to be damaged. Then nothing is written to them. */
  readonly isDamaged: () => boolean;
  readonly breaker: WriteCircuitBreaker;
  /** Whether a write is allowed below the watermark of disk space. */
  readonly isAllowedOnLowDisk: (text: string, isShortening: boolean) => boolean;
  /** Whether this client runs only updates of posts that do not lengthen the text. These are allowed on a low disk. */
  readonly isShortening?: boolean;
}

/**
 * Throws if the files or the disk do not allow a write now. It returns a promise only when it must measure the disk, so
 * that other writes keep their order.
 */
export function refuseWrite(text: string, options: WriteGuardOptions): Promise<void> | null {
  const { space, breaker, isDamaged, isAllowedOnLowDisk, isShortening = false } = options;
  if (isDamaged()) throw driverError("data_corrupted", "The database is damaged, so nothing is written to it.");
  const failure = breaker.failure();
  if (failure !== null) throw unwritable(failure);
  return space.isLow() ? refuseOnLowDisk(space, isFreeOfRows(text) || isAllowedOnLowDisk(text, isShortening)) : null;
}

async function refuseOnLowDisk(space: WriteGuardOptions["space"], isAllowed: boolean): Promise<void> {
  if (isAllowed && (await space.canFree())) return;
  space.logRefusal();
  throw driverError("disk_full", "The disk has less free space than a write may need.");
}

/** Runs a write when the disk is known to have space for it, also after a wait. */
export async function runWrite<T>(
  text: string,
  bytes: number,
  options: WriteGuardOptions,
  run: () => Promise<T>,
): Promise<T> {
  const end = await options.space.beginWrite(bytes);
  try {
    await refuseWrite(text, options);
    return await run();
  } finally {
    end();
  }
}

/** Reports the damage that an error names, and returns the error to throw. */
export function failedStatement(
  error: DatabaseError,
  isRead: boolean,
  { onDamage, breaker }: WriteGuardOptions,
): Error {
  if (isDamageReport(error)) onDamage(error);
  if (isRead || !isFileFailure(error)) return error;
  breaker.record(error);
  return unwritable(error);
}

/** Not class 08 or 58: the database is available for reads. */
function unwritable(error: DatabaseError): Error {
  const condition = error.code === "53100" ? "disk_full" : "insufficient_resources";
  return driverError(condition, `Writes to the database's files fail: ${error.code}: ${error.message}`);
}
