import { sql, type SQL } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";

/** Makes a statement at its first use, because a transaction uses only a few of all statements. */
export function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

export type Columns = Readonly<Record<string, PgColumn>>;

/** The name of the placeholder for a column of the rows named `as`. */
export function placeholderOf(as: string, column: string): string {
  return `${as}_${column}`;
}

/**
 * Rows with the name `as`, to be filled by {@link valuesOf}. Each column is one array, so that a statement has the same text
 * for every number of rows. The casts give PostgreSQL the types.
 */
export function givenRows(as: string, columns: Columns): SQL {
  const arrays = Object.entries(columns).map(
    ([name, column]) => sql`${sql.placeholder(placeholderOf(as, name))}::${sql.raw(column.getSQLType())}[]`,
  );
  return sql`unnest(${sql.join(arrays, COMMA)}) as ${sql.identifier(as)} (${namesOf(columns)})`;
}

const COMMA = sql`, `;

/** The names of columns, without the name of their table. */
export function namesOf(columns: Columns): SQL {
  return sql.join(
    Object.values(columns).map(({ name }) => sql.identifier(name)),
    COMMA,
  );
}

/** The values for the placeholders of {@link givenRows} with the same name and columns. */
export function valuesOf<Name extends string>(
  rows: readonly Readonly<Record<Name, unknown>>[],
  as: string,
  columns: Readonly<Record<Name, PgColumn>>,
): Record<string, unknown> {
  const names = Object.keys(columns) as Name[];
  return Object.fromEntries(names.map((name) => [placeholderOf(as, name), rows.map((row) => row[name])]));
}
