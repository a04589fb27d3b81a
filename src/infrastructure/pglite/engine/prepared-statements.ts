import { err, ok, Result } from "neverthrow";
import type { Answer, DatabaseError, Execution, Field, Statement } from "./wire-protocol.ts";

/** A statement that PostgreSQL has parsed under a name. */
interface Preparation {
  readonly name: string;
  readonly fields: readonly Field[];
}

/** A statement in the form in which it is sent: by name with the columns of its rows, or by text. */
export interface ResolvedStatement {
  readonly execution: Execution;
  readonly fields: readonly Field[] | null;
}

/** PostgreSQL refused a statement in a transaction, which has failed by that. */
export interface StatementRefused {
  readonly kind: "statement_refused";
  readonly error: DatabaseError;
}

/** Bounds the memory of PostgreSQL. The adapters have fewer statements; a statement above the bound is parsed each time. */
const MAX_PREPARED = 200;

/**
 * Prepares each statement at its first use, so that PostgreSQL parses and plans it once.
 *
 * @param prepare Sends the preparation to PostgreSQL.
 */
export function preparedStatements<Lost>(
  prepare: (name: string, text: string, deadlineMs: number) => Promise<Result<Answer, Lost>>,
) {
  type Prepared = Result<Preparation | null, Lost | StatementRefused>;
  const prepared = new Map<string, Promise<Prepared>>();
  let count = 0;

  /** `null` if the statement has to be sent as text: PostgreSQL refuses it, or too many are prepared. */
  const preparation = async (text: string, deadlineMs: number): Promise<Prepared> => {
    const known = prepared.get(text);
    if (known !== undefined) return known;
    if (prepared.size >= MAX_PREPARED) return ok(null);
    const name = `s${count++}`;
    const pending = prepare(name, text, deadlineMs).then((answer) =>
      answer.andThen(({ error, fields, isInTransaction }): Prepared => {
        if (error === null) return ok({ name, fields });
        // The cause may be temporary: a failed transaction, or a table that does not exist yet.
        prepared.delete(text);
        // The transaction has failed now, and PostgreSQL would answer the text with that instead of the cause.
        return isInTransaction ? err({ kind: "statement_refused", error }) : ok(null);
      }),
    );
    prepared.set(text, pending);
    return pending;
  };

  /** Invalidates all statements, because a changed schema may have changed their columns. Returns the names of the prepared ones. */
  const invalidate = async (): Promise<readonly string[]> => {
    const all = await Promise.all(prepared.values());
    prepared.clear();
    return all.flatMap((known) => (known.isOk() && known.value !== null ? [known.value.name] : []));
  };

  /** Converts the statements to the form in which they are sent. Fails with the first one that a transaction cannot run. */
  const resolve = async (
    statements: readonly Statement[],
    deadlineMs: number,
  ): Promise<Result<readonly ResolvedStatement[], Lost | StatementRefused>> => {
    const preparations = Result.combine(
      await Promise.all(statements.map(async ({ text }) => preparation(text, deadlineMs))),
    );
    if (preparations.isErr()) return err(preparations.error);
    return ok(
      statements.map((statement, index) => {
        const known = preparations.value[index] ?? null;
        return known === null
          ? { execution: statement, fields: null }
          : { execution: { name: known.name, values: statement.values }, fields: known.fields };
      }),
    );
  };

  return { resolve, invalidate };
}
