import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import type { Value } from "../sql/parameter.ts";
import { idempotencyKeys, posts, sessions, users } from "../drizzle/schema.ts";

/** A table that is transferred, in the order of its `id`. */
export interface TransferredTable {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** A row, with each value in PostgreSQL's text format. */
export type Row = readonly Value[];

/** Every table. Tables with foreign keys come after the tables that they reference. */
export const TRANSFERRED_TABLES: readonly TransferredTable[] = [users, posts, sessions, idempotencyKeys].map(
  transferredTable,
);

function transferredTable(table: PgTable): TransferredTable {
  const { name, columns } = getTableConfig(table);
  return { name, columns: columns.map((column) => ({ name: column.name, type: column.getSQLType() })) };
}

export function columnNames({ columns }: TransferredTable): string {
  return columns.map(({ name }) => `"${name}"`).join(", ");
}

/** The nil UUID, which is less than every id (RFC 9562, 5.9). */
export const NIL_ID = "00000000-0000-0000-0000-000000000000";

/** Selects up to `limit` rows after the id `$1`. */
export function selectRows({ name, columns }: TransferredTable, limit: number): string {
  const values = columns.map((column) => `"${column.name}"::text`).join(", ");
  // Without the name of the table, `id` would be the selected text, and no index has the order of that text.
  return `select ${values} from ${name} where ${name}.id > $1::uuid order by ${name}.id limit ${limit}`;
}

/** Selects the greatest id. */
export function selectLastId({ name }: TransferredTable): string {
  return `select id::text from ${name} order by ${name}.id desc limit 1`;
}

/** Counts the rows and sums a part of the MD5 of each, so that the result does not depend on their order. */
export function selectChecksum({ name, columns }: TransferredTable): string {
  const row = columns.map((column) => `coalesce("${column.name}"::text, chr(30))`).join(" || chr(31) || ");
  return `select count(*)::text, coalesce(sum(('x' || left(md5(${row}), 15))::bit(60)::bigint), 0)::text from ${name}`;
}
