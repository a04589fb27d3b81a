import { getTableColumns, sql, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";

/** Makes a statement at its first use: a transaction uses few of those that there are. */
export function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** Makes a statement for each number of rows at its first use. */
export function preparedFor<T>(make: (rows: number) => T): (rows: number) => T {
  const made = new Map<number, T>();
  return (rows) => {
    const statement = made.get(rows) ?? make(rows);
    made.set(rows, statement);
    return statement;
  };
}

type Placeholders<Table extends PgTable> = Record<keyof Table["_"]["columns"], SQL>;

/**
 * A placeholder for each column of each of so many rows, to be filled by {@link valuesOf}. The driver writes the values:
 * Drizzle's columns do not take a `null` that comes later.
 */
export function placeholdersOf<Table extends PgTable>(table: Table, rows: number): Placeholders<Table>[] {
  const names = Object.keys(getTableColumns(table));
  return Array.from(
    { length: rows },
    (_, row) => Object.fromEntries(names.map((name) => [name, sql`${sql.placeholder(`${name}${row}`)}`])) as never,
  );
}

/** What {@link placeholdersOf} rows of a table stand for. */
export function valuesOf(rows: readonly object[]): Record<string, unknown> {
  return Object.fromEntries(
    rows.flatMap((row, index) => Object.entries(row).map(([name, value]) => [`${name}${index}`, value as unknown])),
  );
}
