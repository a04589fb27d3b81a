import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import { err, ok, type Result } from "neverthrow";
import { NIL_ID } from "../../domain/shared/id.ts";
import type { Value } from "../sql/parameter.ts";
import { countAndChecksum } from "../sql/row-checksum.ts";
import { idempotencyKeys, posts, sessions, users } from "../drizzle/schema.ts";

/** A table that is transferred, in the order of its primary key. */
export interface TransferredTable {
  readonly name: string;
  /** The first column is the primary key: an id, or a digest, whose hexadecimal digits every locale sorts alike. */
  readonly columns: readonly [TransferredColumn, ...TransferredColumn[]];
}

interface TransferredColumn {
  readonly name: string;
  readonly type: string;
}

/** A row, with each value in PostgreSQL's text format. */
export type Row = readonly Value[];

/** Every table whose rows last. Tables with foreign keys come after the tables that they reference. */
export const TRANSFERRED_TABLES: readonly TransferredTable[] = [users, posts, sessions, idempotencyKeys].map(
  transferredTable,
);

function transferredTable(table: PgTable): TransferredTable {
  const { name, columns } = getTableConfig(table);
  const [key, ...others] = columns.map((column) => ({ name: column.name, type: column.getSQLType() }));
  if (key === undefined) throw new Error(`The table ${name} has no columns.`);
  return { name, columns: [key, ...others] };
}

function columnNames({ columns }: TransferredTable): string {
  return columns.map(({ name }) => `"${name}"`).join(", ");
}

/** A value that is less than every key. */
export function leastKey({ columns: [key] }: TransferredTable): string {
  return key.type === "uuid" ? NIL_ID : "";
}

/** Selects up to `limit` rows after the key `$1`. */
export function selectRows({ name, columns }: TransferredTable, limit: number): string {
  const values = columns.map((column) => `"${column.name}"::text`).join(", ");
  // Without the name of the table, the key would be the selected text, and no index has the order of that text.
  const key = `${name}.${columns[0].name}`;
  return `select ${values} from ${name} where ${key} > $1::${columns[0].type} order by ${key} limit ${limit}`;
}

/** Selects the greatest key. */
export function selectLastKey({ name, columns: [key] }: TransferredTable): string {
  return `select ${key.name}::text from ${name} order by ${name}.${key.name} desc limit 1`;
}

/** A statement that inserts rows, with one array for each column. */
export function insertion(table: TransferredTable, rows: readonly Row[]): [text: string, values: Value[][]] {
  const columns = table.columns.map(({ type }, index) => `$${index + 1}::${type}[]`);
  // Rows keep the values of identity columns too.
  const into = `${table.name} (${columnNames(table)}) overriding system value`;
  const text = `insert into ${into} select * from unnest(${columns.join(", ")})`;
  return [text, table.columns.map((_, index) => rows.map((row) => row[index] ?? null))];
}

function selectChecksum({ name, columns }: TransferredTable): string {
  const row = columns.map((column) => `coalesce("${column.name}"::text, chr(30))`).join(" || chr(31) || ");
  return `select ${countAndChecksum(row)} from ${name}`;
}

/** The number of rows of a table, and their checksum. */
export interface TransferredRows {
  readonly table: string;
  readonly rows: number;
  readonly checksum: string;
}

/** Selects rows whose values are all text. Throws the error of the driver. */
export interface RowReader {
  select(text: string, values?: readonly (string | null)[]): Promise<readonly Row[]>;
}

/** A table whose copy has other rows than the original. */
export interface DifferingRows {
  readonly original: TransferredRows;
  readonly copy: TransferredRows;
}

/** Compares the rows of each table with those of its copy, up to the first table that differs. */
export async function compareTables(
  from: RowReader,
  to: RowReader,
  tables: readonly TransferredTable[],
): Promise<Result<readonly TransferredRows[], DifferingRows>> {
  const compared: TransferredRows[] = [];
  for (const table of tables) {
    const [original, copy] = [await countRows(from, table), await countRows(to, table)];
    if (original.rows !== copy.rows || original.checksum !== copy.checksum) return err({ original, copy });
    compared.push(copy);
  }
  return ok(compared);
}

/** Counts the rows of a table, and computes their checksum. */
async function countRows(reader: RowReader, table: TransferredTable): Promise<TransferredRows> {
  const [row] = await reader.select(selectChecksum(table));
  return { table: table.name, rows: Number(row?.[0]), checksum: row?.[1] ?? "" };
}
