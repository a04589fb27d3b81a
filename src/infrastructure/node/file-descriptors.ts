import { readFileSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { devNull } from "node:os";
import { fail } from "../../domain/shared/fail.ts";
import { ok, type Result } from "neverthrow";

/** The operating system lets this process open fewer files and sockets than the embedded engine and its clients need. */
export interface DescriptorsTooFew {
  readonly kind: "descriptors_too_few";
  readonly limit: number;
  readonly needed: number;
  /** With so many, 256 requests can be worked on at a time. */
  readonly recommended: number;
}

/** How many files PostgreSQL keeps open (max_files_per_process); a server that was just started has 165. */
export const ENGINE_DESCRIPTORS = 256;
/** Node itself, its threads, the log, the lock and files that are open for a moment; 30 of them at rest. */
const PROCESS_DESCRIPTORS = 64;
/** With fewer clients a server is of little use. */
const MIN_CONNECTIONS = 64;
/** As many connections as requests are worked on. */
const RECOMMENDED_CONNECTIONS = 256;

/** What opening an engine takes at once: a thread with its event loop, its code and PostgreSQL's first files. */
const OPENING_DESCRIPTORS = 64;

/** Fails with `descriptors_too_few` where the embedded engine would run out of them. `limit`: `null` for any number. */
export function checkDescriptors(limit: number | null = descriptorLimit()): Result<void, DescriptorsTooFew> {
  const own = ENGINE_DESCRIPTORS + PROCESS_DESCRIPTORS;
  const needed = own + MIN_CONNECTIONS;
  if (limit === null || limit >= needed) return ok();
  return fail({ kind: "descriptors_too_few", limit, needed, recommended: own + RECOMMENDED_CONNECTIONS });
}

/** The descriptors that should be allowed and are not: then fewer requests are worked on than could be; otherwise `null`. */
export function missingDescriptors(limit: number | null = descriptorLimit()) {
  const recommended = ENGINE_DESCRIPTORS + PROCESS_DESCRIPTORS + RECOMMENDED_CONNECTIONS;
  return limit === null || limit >= recommended ? null : { limit, recommended };
}

/**
 * How many connections of clients leave enough descriptors for the database, so that no number of them can take those;
 * `null` for any number.
 *
 * @param databaseDescriptors What the database needs: {@link ENGINE_DESCRIPTORS}, or the connections to its servers.
 */
export function maxConnections(databaseDescriptors: number, limit: number | null = descriptorLimit()): number | null {
  if (limit === null) return null;
  return Math.max(MIN_CONNECTIONS, limit - PROCESS_DESCRIPTORS - databaseDescriptors);
}

/** How many descriptors this process may have, RLIMIT_NOFILE; `null` where there is no limit or it cannot be told. */
export function descriptorLimit(): number | null {
  const soft = process.platform === "linux" ? limitOfLinux() : limitOfReport();
  const limit = Number(soft);
  return Number.isInteger(limit) && limit > 0 ? limit : null;
}

function limitOfLinux(): string | undefined {
  try {
    return /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  } catch {
    // Without /proc nothing is known, and nothing is refused.
    return undefined;
  }
}

function limitOfReport(): unknown {
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { soft?: unknown } };
  };
  return userLimits?.open_files?.soft;
}

/** Whether this process can open as many files now as a new engine needs. */
export async function hasFreeDescriptors(): Promise<boolean> {
  const opened: FileHandle[] = [];
  try {
    while (opened.length < OPENING_DESCRIPTORS) opened.push(await open(devNull, "r"));
    return true;
  } catch {
    return false;
  } finally {
    for (const file of opened) await file.close();
  }
}
