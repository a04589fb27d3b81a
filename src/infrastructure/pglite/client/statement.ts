import { types } from "@electric-sql/pglite";
import type { Result } from "neverthrow";
import { driverError, type DriverError } from "../../sql/driver-error.ts";
import type { Engine, EngineFailed, Handling, RequestLost } from "../engine/engine.ts";
import type { Reply, Statement } from "../engine/wire-protocol.ts";
import { failedStatement, type WriteGuardOptions } from "./write-guard.ts";

export interface QueryOptions {
  readonly rowMode?: "array" | "object";
  /** Parsers of values by the OID of their type. PGlite's are the default. */
  readonly parsers?: Readonly<Record<number, (value: string, type?: number) => unknown>>;
}

export interface Results<T> {
  readonly rows: T[];
  readonly affectedRows?: number;
}

export async function executeOne(
  engine: Engine,
  statement: Statement,
  handling: Handling,
): Promise<Result<Reply, RequestLost>> {
  const replies = await engine.execute([statement], handling);
  return replies.map((all) => {
    // The commit of a statement may fail after the statement itself has succeeded.
    const reply = all.at(-1);
    if (reply === undefined) throw new Error("The engine gave no reply to a statement.");
    return reply;
  });
}

/** The approximate memory of a waiting statement, in bytes. */
export function sizeOf({ text, values }: Statement): number {
  return values.reduce((size, value) => size + (value?.length ?? 0), text.length);
}

/** The error for a statement that was lost with the engine. */
export function lostStatement({ reason, detail }: EngineFailed, isRead: boolean): DriverError {
  if (!isRead) return driverError("transaction_resolution_unknown", `The engine failed during a write: ${detail}`);
  return reason === "deadline"
    ? driverError("query_canceled", `The statement exceeded its deadline: ${detail}`)
    : // Not class 08: the statement itself may be the reason, so nothing repeats it.
      driverError("system_error", `The engine failed: ${detail}`);
}

/** The result in PGlite's form. Throws PostgreSQL's error. */
export function resultOf<T>(
  reply: Reply,
  isRead: boolean,
  queryOptions: QueryOptions = {},
  options: WriteGuardOptions,
): Results<T> {
  const { error, fields, rows, command } = reply;
  if (error !== null) throw failedStatement(error, isRead, options);
  const columns = fields.map(({ name, dataTypeID }) => {
    const parser = queryOptions.parsers?.[dataTypeID] ?? types.parsers[dataTypeID];
    const parse = (value: string | null): unknown =>
      value === null || parser === undefined ? value : parser(value, dataTypeID);
    return { name, parse };
  });
  const read = (row: Reply["rows"][number]): unknown => {
    const values = columns.map(({ parse }, index) => parse(row[index] ?? null));
    if (queryOptions.rowMode === "array") return values;
    return Object.fromEntries(columns.map(({ name }, index) => [name, values[index]]));
  };
  const affectedRows = Number(/ (\d+)$/.exec(command ?? "")?.[1] ?? 0);
  // The caller names the type of its rows, as with PGlite.
  return { rows: rows.map(read) as T[], affectedRows };
}
