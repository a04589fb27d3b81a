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
  /** The limit that allows 256 concurrent requests. */
  readonly recommended: number;
}

/** Files that PostgreSQL may keep open (max_files_per_process); 165 after a start. */
export const ENGINE_DESCRIPTORS = 256;
/** Node itself, its threads, the log, the lock and temporary files; 30 of them at rest. */
const PROCESS_DESCRIPTORS = 64;
/** The fewest connections that a server is useful with. */
const MIN_CONNECTIONS = 64;
/** The number of concurrent requests. */
const RECOMMENDED_CONNECTIONS = 256;

/** Descriptors to start an engine: a thread with its event loop, its code and PostgreSQL's first files. */
const OPENING_DESCRIPTORS = 64;

/** Fails with `descriptors_too_few` if the embedded engine would run out of descriptors. `limit`: `null` for no limit. */
export function checkDescriptors(limit: number | null = descriptorLimit()): Result<void, DescriptorsTooFew> {
  const own = ENGINE_DESCRIPTORS + PROCESS_DESCRIPTORS;
  const needed = own + MIN_CONNECTIONS;
  if (limit === null || limit >= needed) return ok();
  return fail({ kind: "descriptors_too_few", limit, needed, recommended: own + RECOMMENDED_CONNECTIONS });
}

/** The current and the recommended limit if it is lower than recommended; otherwise `null`. */
export function missingDescriptors(limit: number | null = descriptorLimit()) {
  const recommended = ENGINE_DESCRIPTORS + PROCESS_DESCRIPTORS + RECOMMENDED_CONNECTIONS;
  return limit === null || limit >= recommended ? null : { limit, recommended };
}

/**
 * The bound of client connections that leaves enough descriptors for the database; `null` for no bound.
 *
 * @param databaseDescriptors The descriptors that the database needs: {@link ENGINE_DESCRIPTORS}, or the connections to its servers.
 */
export function maxConnections(databaseDescriptors: number, limit: number | null = descriptorLimit()): number | null {
  if (limit === null) return null;
  return Math.max(MIN_CONNECTIONS, limit - PROCESS_DESCRIPTORS - databaseDescriptors);
}

/** The limit of descriptors of this process, RLIMIT_NOFILE; `null` if there is none or it is unknown. */
export function descriptorLimit(): number | null {
  const soft = process.platform === "linux" ? limitOfLinux() : limitOfReport();
  const limit = Number(soft);
  return Number.isInteger(limit) && limit > 0 ? limit : null;
}

function limitOfLinux(): string | undefined {
  try {
    return /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  } catch {
    // Without /proc the limit is unknown, so nothing is refused.
    return undefined;
  }
}

function limitOfReport(): unknown {
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { soft?: unknown } };
  };
  return userLimits?.open_files?.soft;
}

/** Whether this process has enough free descriptors to start an engine. */
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
