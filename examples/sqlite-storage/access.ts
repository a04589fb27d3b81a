import type { Database } from "better-sqlite3";
import { err, type Result } from "neverthrow";
import { cancelledRead, fail, type AbortSignal, type StorageFailure, type StorageFailureReason } from "quire-api";

/** Runs one step on the database. A step is a function without `await`, so nothing else runs in between. */
export type Access = <T, E>(
  operation: string,
  step: () => Result<T, E>,
  signal?: AbortSignal,
) => Promise<Result<T, E | StorageFailure>>;

/** The reasons of SQLite's result codes (https://www.sqlite.org/rescode.html). */
const REASONS: readonly (readonly [code: RegExp, reason: StorageFailureReason])[] = [
  [/^SQLITE_(?:BUSY|LOCKED)/, "busy"],
  [/^SQLITE_FULL/, "full"],
  [/^SQLITE_(?:CORRUPT|NOTADB)/, "corrupt"],
  [/^SQLITE_IOERR/, "outcome_unknown"],
  [/^SQLITE_(?:CANTOPEN|READONLY|PERM)/, "unavailable"],
];

/** Turns the driver's exception into a failure. An exception that is none of the store's is a defect, which is thrown again. */
export function failureOf(operation: string, thrown: unknown, isOpen: boolean): StorageFailure {
  const { code = "" } = thrown as { readonly code?: string };
  const reason = isOpen ? REASONS.find(([pattern]) => pattern.test(code))?.[1] : "unavailable";
  if (reason === undefined) throw thrown;
  return { kind: "storage_failure", reason, isTransient: reason === "busy", operation, cause: thrown };
}

/** Each step is a transaction, or a savepoint of the transaction that is open. */
export function accessOn(db: Database): Access {
  return async (operation, step, signal) => {
    if (signal?.aborted === true) return err(cancelledRead(operation));
    try {
      return db.transaction(step)();
    } catch (thrown) {
      return fail(failureOf(operation, thrown, db.open));
    }
  };
}
