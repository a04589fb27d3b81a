import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import type { Value } from "../sql/parameter.ts";
import { idempotencyKeys, posts, sessions, users } from "../drizzle/schema.ts";

/** A table as it is moved: by its columns, in the order of its `id`. */
export interface TransferredTable {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** A row, each value as PostgreSQL writes it. */
export type Row = readonly Value[];

/** Every table, those that others point at first. */
export const TRANSFERRED_TABLES: readonly TransferredTable[] = [users, posts, sessions, idempotencyKeys].map(
  movedTable,
);

function movedTable(table: PgTable): TransferredTable {
  const { name, columns } = getTableConfig(table);
  return { name, columns: columns.map((column) => ({ name: column.name, type: column.getSQLType() })) };
}

export function columnNames({ columns }: TransferredTable): string {
  return columns.map(({ name }) => `"${name}"`).join(", ");
}

/** Before every id that is given to anything (RFC 9562, 5.9). */
export const NIL_ID = "00000000-0000-0000-0000-000000000000";

/** Selects the rows after an id, which is `$1`. */
export function selectRows({ name, columns }: TransferredTable, most: number): string {
  const values = columns.map((column) => `"${column.name}"::text`).join(", ");
  // Without the table's name it would be the order of the text that is selected, which no index has.
  return `select ${values} from ${name} where ${name}.id > $1::uuid order by ${name}.id limit ${most}`;
}

/** Selects the last id. */
export function selectLastId({ name }: TransferredTable): string {
  return `select id::text from ${name} order by ${name}.id desc limit 1`;
}

/** Counts rows, and sums up a part of the MD5 of each: the same for the same rows, in whatever order. */
export function selectChecksum({ name, columns }: TransferredTable): string {
  const row = columns.map((column) => `coalesce("${column.name}"::text, chr(30))`).join(" || chr(31) || ");
  return `select count(*)::text, coalesce(sum(('x' || left(md5(${row}), 15))::bit(60)::bigint), 0)::text from ${name}`;
}
