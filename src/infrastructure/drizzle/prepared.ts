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

/** Whether a statement is for one row or for any number of rows. */
export type RowCount = "one" | "many";

export function rowCountOf(rows: readonly unknown[]): RowCount {
  return rows.length === 1 ? "one" : "many";
}

/**
 * Rows with the name `as`, to be filled by {@link valuesOf}. The casts give PostgreSQL the types. For many rows each column is one
 * array, so that a statement has the same text for every number of rows. For one row, arrays would take a fifth more time.
 */
export function givenRows(as: string, columns: Columns, rows: RowCount): SQL {
  const dimension = sql.raw(rows === "one" ? "" : "[]");
  const given = Object.entries(columns).map(
    ([name, column]) => sql`${sql.placeholder(placeholderOf(as, name))}::${sql.raw(column.getSQLType())}${dimension}`,
  );
  const list = sql.join(given, COMMA);
  return sql`${rows === "one" ? sql`(values (${list}))` : sql`unnest(${list})`} as ${sql.identifier(as)} (${namesOf(columns)})`;
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
  const [only] = rowCountOf(rows) === "one" ? rows : [];
  const valueOf = (name: Name) => (only === undefined ? rows.map((row) => row[name]) : only[name]);
  return Object.fromEntries(names.map((name) => [placeholderOf(as, name), valueOf(name)]));
}
