import { DrizzleQueryError } from "drizzle-orm";
import { err, ok, type Result } from "neverthrow";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import { cancelledRead, type StorageFailure, type StorageFailureReason } from "../../domain/shared/storage-failure.ts";
import { isAborted as isSignalAborted } from "../sql/abort.ts";
import { withSignal } from "../sql/current-signal.ts";
import type { Database } from "./database.ts";
import { reported } from "./statement-channel.ts";

/** The report of PostgreSQL, without the statement and its values, which contain addresses, content and hashes. */
interface Diagnosis {
  readonly sqlState: string | null;
  readonly message: string;
  readonly constraint: string | null;
}

/** Transactions in which a statement has failed. PostgreSQL rolls them back even on a COMMIT. */
const aborted = new WeakSet<Database>();

export function isAborted(transaction: Database): boolean {
  return aborted.has(transaction);
}

/**
 * Runs a query. This is the only place where an exception of a driver becomes a Result: a violated constraint becomes the
 * error that `constraints` has for its name, a failure of the store a {@link StorageFailure}. Anything else is a defect of
 * the program and stays an exception, without the values of the statement. A query with a signal calls `execute` before it
 * awaits anything, see {@link withSignal}.
 */
export async function attempt<T, E = never>(
  db: Database,
  operation: string,
  query: () => Promise<T>,
  constraints: Readonly<Record<string, E>> = {},
  signal?: AbortSignal,
): Promise<Result<T, E | StorageFailure>> {
  if (isSignalAborted(signal)) return err(cancelledRead(operation));
  try {
    return ok(await reported(operation, async () => withSignal(signal, query)));
  } catch (thrown) {
    aborted.add(db);
    const diagnosed = diagnose(operation, thrown);
    if (diagnosed.isErr()) throw diagnosed.error;
    const diagnosis = diagnosed.value;
    const refusal = diagnosis.constraint === null ? undefined : constraints[diagnosis.constraint];
    if (refusal !== undefined) return err(refusal);
    if (isSignalAborted(signal) && diagnosis.sqlState === QUERY_CANCELED) return err(cancelledRead(operation));
    const reason = failureReason(diagnosis.sqlState);
    if (reason !== null) {
      const isTransient = diagnosis.sqlState !== null && TRANSIENT.test(diagnosis.sqlState);
      return err({ kind: "storage_failure", reason, isTransient, operation, cause: diagnosis });
    }
    throw defect(operation, diagnosis);
  }
}

const QUERY_CANCELED = "57014";

/** An exception for the log. The caught one is not its cause, since it contains the values of the statement. */
function defect(operation: string, { sqlState, message }: Diagnosis): Error {
  // In class 22, data exception, PostgreSQL quotes the value that it refuses.
  const reason = sqlState?.startsWith("22") === true ? "data exception" : message;
  return new Error(`${operation}: ${sqlState}: ${reason}`);
}

/** The exception without the fields in which a driver adds the statement and its values. */
function withoutStatement(operation: string, { name, message, stack }: Error): Error {
  return Object.assign(new Error(`${operation}: ${name}: ${message}`), { stack });
}

// Drizzle wraps the error of the driver, and a driver may wrap an error too. No wrapping is deeper than this.
const MAX_CAUSES = 5;

/** The diagnosis in the error of a driver. Fails with the exception to rethrow, if it is a defect of the program. */
function diagnose(operation: string, thrown: unknown): Result<Diagnosis, unknown> {
  let error = thrown;
  for (let depth = 0; depth < MAX_CAUSES && error instanceof Error; depth++) {
    if ("code" in error && typeof error.code === "string") {
      const sqlState = isMissingLibrary(error) ? SYSTEM_ERROR : error.code;
      return ok({ sqlState, message: error.message, constraint: constraintOf(error) });
    }
    if (error.cause === undefined) break;
    error = error.cause;
  }
  if (!(thrown instanceof DrizzleQueryError)) return err(thrown);
  if (isDefect(error)) return err(withoutStatement(operation, error));
  const message = error instanceof Error && error !== thrown ? error.message : "The driver gave no reason.";
  return ok({ sqlState: null, message, constraint: null });
}

/** Whether a program, and no database, is the cause of an error without a code. */
function isDefect(error: unknown): error is Error {
  return [TypeError, RangeError, ReferenceError].some((kind) => error instanceof kind);
}

const UNDEFINED_FILE = "58P01";
const SYSTEM_ERROR = "58000";

/**
 * Whether the server could not load a library, such as that of an extension. The error has the SQLSTATE of a missing data
 * file, but a package is missing and no data is damaged. The source file in the error distinguishes them.
 */
function isMissingLibrary(error: object): boolean {
  const { code, file } = error as Readonly<Record<string, unknown>>;
  return code === UNDEFINED_FILE && file === "dfmgr.c";
}

/** The name of the violated constraint: PGlite and postgres.js have different fields for it. */
function constraintOf(error: object): string | null {
  const { constraint, constraint_name = constraint } = error as Readonly<Record<string, unknown>>;
  return typeof constraint_name === "string" ? constraint_name : null;
}

// PostgreSQL 18, Appendix A. Error Codes: whole classes by their first two characters, single conditions by all five.
const REASONS: Readonly<Record<string, StorageFailureReason>> = {
  "08": "unavailable", // connection exception
  "08007": "outcome_unknown", // transaction resolution unknown
  "53": "busy", // insufficient resources
  "53100": "full",
  "55P03": "busy", // lock not available
  "57": "unavailable", // operator intervention
  "57014": "busy", // query canceled
  "58": "unavailable", // system error
  "58P01": "corrupt", // undefined file
  "25006": "unavailable", // read-only transaction: the server is a standby, or was until now the primary
  "25P03": "busy", // idle in transaction session timeout
  "40001": "busy", // serialization failure
  "40P01": "busy", // deadlock detected
  XX001: "corrupt", // data corrupted
  XX002: "corrupt", // index corrupted
};

/**
 * Conditions that may have ended at the next attempt: a connection that was not made or was lost, a lost race, too many
 * connections, a server that stops or starts, and one that is not (or no longer) the primary. 08007 is excluded because the
 * write may be stored. So is 53400, a full admission queue of the embedded engine: a retry would only add to its load.
 */
const TRANSIENT = /^(?:08(?!007)|25006|40001|40P01|53300|57P0[123])/;

function failureReason(sqlState: string | null): StorageFailureReason | null {
  if (sqlState === null) return "unavailable";
  return REASONS[sqlState] ?? REASONS[sqlState.slice(0, 2)] ?? null;
}
