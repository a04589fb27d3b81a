import { sql, type SQL } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";

/** Makes a statement at its first use, because a transaction uses only a few of all statements. */
export function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** Makes a statement for each number of rows, at the first use of that number. */
export function preparedFor<T>(make: (rows: number) => T): (rows: number) => T {
  const made = new Map<number, T>();
  return (rows) => {
    const statement = made.get(rows) ?? make(rows);
    made.set(rows, statement);
    return statement;
  };
}

export type Columns = Readonly<Record<string, PgColumn>>;

/** The name of the placeholder for a column, in a row of the rows named `as`. */
export function placeholderOf(as: string, column: string, row: number): string {
  return `${as}${column}${row}`;
}

/**
 * A `values` list of placeholders with the name `as`, to be filled by {@link valuesOf}. The casts give PostgreSQL the types.
 */
export function givenRows(as: string, columns: Columns, rows: number): SQL {
  const lists = Array.from({ length: rows }, (_, row) => {
    const values = Object.entries(columns).map(
      ([name, column]) => sql`${sql.placeholder(placeholderOf(as, name, row))}::${sql.raw(column.getSQLType())}`,
    );
    return sql`(${sql.join(values, COMMA)})`;
  });
  return sql`(values ${sql.join(lists, COMMA)}) as ${sql.identifier(as)} (${namesOf(columns)})`;
}

const COMMA = sql`, `;

/** The names of columns, without the name of their table. */
export function namesOf(columns: Columns): SQL {
  return sql.join(
    Object.values(columns).map(({ name }) => sql.identifier(name)),
    COMMA,
  );
}

/** The values for the placeholders of {@link givenRows} with the same name. */
export function valuesOf(rows: readonly object[], as: string): Record<string, unknown> {
  return Object.fromEntries(
    rows.flatMap((row, index) =>
      Object.entries(row).map(([name, value]) => [placeholderOf(as, name, index), value as unknown]),
    ),
  );
}
