import { getTableColumns, sql, type SQL } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";

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

/**
 * So many rows of placeholders, to be filled by {@link valuesOf}, for a statement to select from under the name `as`. Nothing
 * else would tell PostgreSQL their types.
 */
export function givenRows(as: string, columns: Readonly<Record<string, PgColumn>>, rows: number): SQL {
  const lists = Array.from({ length: rows }, (_, row) => {
    const values = Object.entries(columns).map(
      ([name, column]) => sql`${sql.placeholder(`${as}${name}${row}`)}::${sql.raw(column.getSQLType())}`,
    );
    return sql`(${sql.join(values, COMMA)})`;
  });
  return sql`(values ${sql.join(lists, COMMA)}) as ${sql.identifier(as)} (${namesOf(columns)})`;
}

const COMMA = sql`, `;

/** The names of columns, without that of their table. */
export function namesOf(columns: Readonly<Record<string, PgColumn>>): SQL {
  return sql.join(
    Object.values(columns).map(({ name }) => sql.identifier(name)),
    COMMA,
  );
}

/** What rows of placeholders stand for, where they have a name under that. */
export function valuesOf(rows: readonly object[], as = ""): Record<string, unknown> {
  return Object.fromEntries(
    rows.flatMap((row, index) =>
      Object.entries(row).map(([name, value]) => [`${as}${name}${index}`, value as unknown]),
    ),
  );
}
