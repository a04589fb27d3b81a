import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../../../application/ports/log.ts";
import { hasFreeDescriptors } from "../../node/file-descriptors.ts";
import type { DatabaseError } from "../engine/wire-protocol.ts";

/**
 * Whether writes succeed, as those that were made have shown. After one that failed for its files none is made until what
 * it lacked is there again: a write that fails in PostgreSQL's critical section ends the engine, and the reads with it.
 */
export interface WriteHealth {
  /** The failure after which writes are refused; `null` while they are made. */
  failure(): DatabaseError | null;
  /** Notes what PostgreSQL answered; errors that say nothing of its files change nothing. */
  note(error: DatabaseError): void;
  /** Lets writes be made again once their cause is gone; to be called every second or so. */
  recover(): Promise<void>;
}

interface WriteHealthOptions {
  readonly directory: string;
  /** Replaces the engine by one that knows its files as they are. */
  readonly renewEngine: (reason: string) => Promise<void>;
  readonly log: Log;
  /** Whether a file can be made and opened now. */
  readonly hasResources?: (directory: string) => boolean;
  readonly now?: () => number;
}

/** PostgreSQL 18, Appendix A, as errcode_for_file_access (utils/error/elog.c) gives them. */
const SHORTAGES: ReadonlySet<string> = new Set([
  "53000", // insufficient resources: EMFILE, ENFILE
  "53100", // disk full: ENOSPC, also for want of an inode
]);
const FILE_FAILURES: ReadonlySet<string> = new Set([
  ...SHORTAGES,
  "58000", // system error
  "58030", // I/O error: EIO
  "58P02", // duplicate file: EEXIST
]);
/** An errno that has no SQLSTATE, as of a quota (EDQUOT), is an internal error. */
const INTERNAL_ERROR = "XX000";
const ABOUT_A_FILE = /^could not \w+ (?:new )?(?:file|directory|relation)\b/;

/** So often in a row a shortage may come again before the engine is suspected. */
const MAX_SHORTAGES = 2;
const FIRST_BACKOFF_MS = 1000;
/** A lasting shortage costs an attempt a minute. */
const MAX_BACKOFF_MS = 60_000;
/** After so long without a failure the next one is a first one. */
const FORGET_MS = 300_000;

/** Whether an error says that PostgreSQL could not make, open or write a file of a database that is whole. */
export function isFileFailure({ code = "", message }: Pick<DatabaseError, "code" | "message">): boolean {
  return FILE_FAILURES.has(code) || (code === INTERNAL_ERROR && ABOUT_A_FILE.test(message));
}

export function writeHealth(options: WriteHealthOptions): WriteHealth {
  const { directory, renewEngine, log, hasResources = canMakeFile, now = () => performance.now() } = options;
  let failure: DatabaseError | null = null;
  /** Failures in a row, each soon after writes had been let through again. */
  let failures = 0;
  let failedAt = -Infinity;
  let nextAttemptAt = 0;

  return {
    failure: () => failure,

    note: (error) => {
      if (failure !== null || !isFileFailure(error)) return;
      if (now() - failedAt > FORGET_MS) failures = 0;
      failures++;
      failure = error;
      failedAt = now();
      nextAttemptAt = failedAt + Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS);
      const { code, message } = error;
      log.error({ directory, sqlState: code, detail: message }, "a write failed for its files: writes are refused");
    },

    recover: async () => {
      if (failure === null || now() < nextAttemptAt || !hasResources(directory)) return;
      // An engine that lacked a resource for a moment is as it was. All else, and what fails again and again, may come of
      // what it holds of its files in memory and the disk does not.
      const isOutOfStep = !SHORTAGES.has(failure.code ?? "") || failures > MAX_SHORTAGES;
      if (isOutOfStep) await renewEngine(`${failure.code}: ${failure.message}`);
      failure = null;
      log.warn({ directory, engineReplaced: isOutOfStep }, "writes are made again");
    },
  };
}

const PROBE_FILE = "quire.probe";
const PAGE = new Uint8Array(8192);

function canMakeFile(directory: string): boolean {
  const path = join(directory, PROBE_FILE);
  try {
    writeFileSync(path, PAGE, { mode: 0o600 });
    return hasFreeDescriptors();
  } catch {
    return false;
  } finally {
    removeQuietly(path);
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It is written over by the next probe.
  }
}
