import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../../../application/ports/log.ts";
import { hasFreeDescriptors } from "../../node/file-descriptors.ts";
import { PROBE_FILE } from "../directory/layout.ts";
import type { DatabaseError } from "../engine/wire-protocol.ts";

/**
 * Refuses writes after PostgreSQL could not write its files, until the cause has ended. A write that fails in a critical
 * section of PostgreSQL ends the engine, and the reads with it.
 */
export interface WriteCircuitBreaker {
  /** The failure that opened the circuit; `null` while writes are allowed. */
  failure(): DatabaseError | null;
  /** Opens the circuit when PostgreSQL's error is about its files. Other errors change nothing. */
  record(error: DatabaseError): void;
  /** Closes the circuit once its cause has ended. Call it regularly: it looks for the cause once a second at most. */
  tryClose(): Promise<void>;
}

interface BreakerOptions {
  readonly directory: string;
  /** Returns whether the engine was replaced. */
  readonly restartEngine: (reason: string) => Promise<boolean>;
  readonly log: Log;
  /** Whether a file can be created and opened now. */
  readonly hasResources?: (directory: string) => Promise<boolean>;
  readonly now?: () => number;
}

/** The SQLSTATEs of errcode_for_file_access (PostgreSQL 18, Appendix A and utils/error/elog.c). */
const SHORTAGES: ReadonlySet<string> = new Set([
  "53000", // insufficient resources: EMFILE, ENFILE
  "53100", // disk full: ENOSPC, also when no inode is free
]);
const FILE_FAILURES: ReadonlySet<string> = new Set([
  ...SHORTAGES,
  "58000", // system error
  "58030", // I/O error: EIO
  "58P02", // duplicate file: EEXIST
]);
/** An errno without a SQLSTATE, such as EDQUOT (disk quota), is an internal error. */
const INTERNAL_ERROR = "XX000";
const FILE_MESSAGE = /^could not \w+ (?:new )?(?:file|directory|relation)\b/;

/** After more shortages in a row, the engine itself may be the cause. */
const MAX_SHORTAGES = 2;
const FIRST_BACKOFF_MS = 1000;
/** Each probe writes a file. */
const PROBE_INTERVAL_MS = 1000;
/** A permanent shortage costs one attempt a minute. */
const MAX_BACKOFF_MS = 60_000;
/** After this time without a failure, the next one counts as the first. */
const FAILURE_MEMORY_MS = 300_000;

/** Whether PostgreSQL could not create, open or write a file of an undamaged database. */
export function isFileFailure({ code = "", message }: Pick<DatabaseError, "code" | "message">): boolean {
  return FILE_FAILURES.has(code) || (code === INTERNAL_ERROR && FILE_MESSAGE.test(message));
}

export function writeCircuitBreaker(options: BreakerOptions): WriteCircuitBreaker {
  const { directory, restartEngine, log, hasResources = canMakeFile, now = () => performance.now() } = options;
  let failure: DatabaseError | null = null;
  /** Failures in a row, each soon after the circuit breaker was closed. */
  let failures = 0;
  let failedAt = -Infinity;
  let nextAttemptAt = 0;

  return {
    failure: () => failure,

    record: (error) => {
      if (failure !== null || !isFileFailure(error)) return;
      if (now() - failedAt > FAILURE_MEMORY_MS) failures = 0;
      failures++;
      failure = error;
      failedAt = now();
      nextAttemptAt = failedAt + Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS);
      const { code, message } = error;
      log.error({ directory, sqlState: code, detail: message }, "write circuit breaker opened: writes refused");
    },

    tryClose: async () => {
      if (failure === null || now() < nextAttemptAt) return;
      nextAttemptAt = now() + PROBE_INTERVAL_MS;
      if (!(await hasResources(directory))) return;
      // After a short shortage the engine still works. After any other failure, or a repeated one, the engine's memory
      // of the files may differ from the files.
      const engineReplaced = !SHORTAGES.has(failure.code ?? "") || failures > MAX_SHORTAGES;
      if (engineReplaced && !(await restartEngine(`${failure.code}: ${failure.message}`))) return;
      failure = null;
      log.warn({ directory, engineReplaced }, "write circuit breaker closed: writes allowed");
    },
  };
}

const PAGE = new Uint8Array(8192);

async function canMakeFile(directory: string): Promise<boolean> {
  const path = join(directory, PROBE_FILE);
  try {
    await writeFile(path, PAGE, { mode: 0o600 });
    return await hasFreeDescriptors();
  } catch {
    return false;
  } finally {
    // A file that cannot be removed is overwritten by the next probe.
    await rm(path, { force: true }).catch(() => undefined);
  }
}
