import { getTableColumns, sql, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";

/** Makes a statement at its first use: a transaction uses few of those that there are. */
export function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/**
 * A placeholder for each column of a table, with the column's name. The driver writes the values: Drizzle's columns do
 * not take a `null` that comes later.
 */
export function placeholdersOf<Table extends PgTable>(table: Table): Record<keyof Table["_"]["columns"], SQL> {
  const names = Object.keys(getTableColumns(table));
  return Object.fromEntries(names.map((name) => [name, sql`${sql.placeholder(name)}`])) as never;
}
