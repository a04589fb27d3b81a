import { err, ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import {
  pendingMigrations,
  type AppliedMigration,
  type Migration,
  type MigrationDrift,
} from "../../drizzle/migrations.ts";
import { insertInBatches } from "../../transfer/batched-inserts.ts";
import {
  compareTables,
  insertion,
  type Row,
  type RowReader,
  type TransferredRows,
  type TransferredTable,
} from "../../transfer/table-copy.ts";
import { MIGRATIONS_EXIST } from "../backup/scratch-engine.ts";
import { databaseOn } from "../drizzle-database.ts";
import type { EmbeddedDatabase } from "../embedded-database.ts";
import { applyMigrations } from "../migrate.ts";

/** The rows of all tables that are loaded. */
export interface LoadProgress {
  readonly table: string;
  readonly moved: number;
  readonly total: number;
}

/**
 * A table cannot be taken over, so nothing was.
 *
 * - `schema`: it is not the table that the migrations of the database create.
 * - `rows`: its rows differ after they were loaded.
 */
export interface UpgradeDiffers {
  readonly kind: "upgrade_differs";
  readonly table: string;
  readonly difference: "schema" | "rows";
}

export interface LoadOptions {
  /** The migrations that create the schema of the old database. */
  readonly migrations: readonly Migration[];
  readonly signal: AbortSignal;
  readonly onProgress: (progress: LoadProgress) => void;
}

const APPLIED = `select created_at::text, hash, to_jsonb(applied) ->> 'required_migration'
  from drizzle.__drizzle_migrations as applied order by created_at`;

/** Every column with values of its own, of every table. The migrations themselves fill the table of migrations. */
const COLUMNS = `select format('%I.%I', n.nspname, c.relname), a.attname::text, format_type(a.atttypid, a.atttypmod)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
  where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'drizzle')
  order by 1, a.attnum`;

const SEQUENCES = `select format('%I.%I', schemaname, sequencename), last_value::text from pg_sequences
  where schemaname <> 'drizzle' and last_value is not null`;

/** Older releases of PGlite fail with an answer of 30 MB. */
const MAX_FETCH_BYTES = 4_194_304;
const MAX_FETCH_ROWS = 1000;

/** Selects the shipped migrations that create the schema of an old database. */
export async function schemaOf(
  source: RowReader,
  shipped: readonly Migration[],
): Promise<Result<readonly Migration[], MigrationDrift>> {
  const applied = await appliedTo(source);
  const pending = pendingMigrations(shipped, applied);
  if (pending.isErr()) return err(pending.error);
  const newestShipped = shipped.at(-1)?.createdAt ?? -1;
  const newer = applied.find(({ createdAt }) => createdAt > newestShipped);
  if (newer === undefined) return ok(shipped.slice(0, shipped.length - pending.value.length));
  return fail({ kind: "migration_drift", drift: "newer", migration: new Date(newer.createdAt).toISOString() });
}

/** Creates the schema of an old database in a new and empty one, loads all rows, and compares them. */
export async function load(
  source: RowReader,
  { client, changeSchema }: Pick<EmbeddedDatabase, "client" | "changeSchema">,
  { migrations, signal, onProgress }: LoadOptions,
): Promise<Result<readonly TransferredRows[], UpgradeDiffers>> {
  const target: RowReader = {
    select: async (text) => (await client.query<Row>(text, [], { rowMode: "array" })).rows,
  };
  await changeSchema(async () => applyMigrations(databaseOn(client), migrations));
  const tables = await tablesOf(source);
  const differing = differingTable(tables, await tablesOf(target));
  if (differing !== null) return fail({ kind: "upgrade_differs", table: differing, difference: "schema" });

  // The text of a time depends on the time zone.
  await source.select("set timezone to 'UTC'");
  await client.query("set timezone to 'UTC'");
  const sizes = await Promise.all(tables.map(async (table) => sizeOf(source, table)));
  const total = sizes.reduce((sum, { rows }) => sum + rows, 0);
  let moved = 0;
  if (tables.length > 0) await client.query(`truncate ${tables.map(({ name }) => name).join(", ")}`);
  for (const [index, table] of tables.entries()) {
    await insertInBatches(rowsOf(source, table, sizes[index]?.maxRowBytes ?? 0), async (rows) => {
      signal.throwIfAborted();
      await client.transaction(async (transaction) => {
        // Triggers have run when the rows were written, and foreign keys hold when all tables are loaded.
        await transaction.query("set local session_replication_role to replica");
        await transaction.query(...insertion(table, rows));
      });
      moved += rows.length;
      onProgress({ table: table.name, moved, total });
    });
  }
  for (const [sequence = "", last = ""] of await source.select(SEQUENCES)) {
    await client.query("select setval($1::regclass, $2::bigint)", [sequence, last]);
  }
  const compared = await compareTables(source, target, tables);
  return compared.mapErr(({ copy }) => ({ kind: "upgrade_differs", table: copy.table, difference: "rows" }) as const);
}

async function appliedTo(source: RowReader): Promise<readonly AppliedMigration[]> {
  const [exists] = await source.select(MIGRATIONS_EXIST);
  if (exists?.[0] !== "true") return [];
  return (await source.select(APPLIED)).map(([createdAt, hash, required]) => ({
    createdAt: Number(createdAt),
    hash: hash ?? "",
    requiredMigration: required === null || required === undefined ? null : Number(required),
  }));
}

async function tablesOf(database: RowReader): Promise<readonly TransferredTable[]> {
  const byName = new Map<string, TransferredTable>();
  for (const [table = "", name = "", type = ""] of await database.select(COLUMNS)) {
    if (table === null || name === null || type === null) throw new Error("A column has no name or no type.");
    const before = byName.get(table)?.columns;
    const column = { name, type };
    byName.set(table, { name: table, columns: before === undefined ? [column] : [...before, column] });
  }
  return [...byName.values()];
}

function columnsOf({ columns }: TransferredTable): string {
  return JSON.stringify(columns);
}

/** The name of the first table that only one of both has, or whose columns differ; `null` if all are the same. */
function differingTable(found: readonly TransferredTable[], expected: readonly TransferredTable[]): string | null {
  const missing = new Map(expected.map((table) => [table.name, columnsOf(table)]));
  for (const table of found) {
    if (missing.get(table.name) !== columnsOf(table)) return table.name;
    missing.delete(table.name);
  }
  const [absent] = missing.keys();
  return absent ?? null;
}

async function sizeOf(source: RowReader, { name, columns }: TransferredTable) {
  const bytes = columns.map((column) => `coalesce(octet_length("${column.name}"::text), 0)`).join(" + ");
  const [row] = await source.select(`select count(*)::text, coalesce(max(${bytes}), 0)::text from ${name}`);
  return { rows: Number(row?.[0]), maxRowBytes: Number(row?.[1]) };
}

/** Selects all rows by a cursor, so that they need neither an order nor memory. */
async function* rowsOf(
  source: RowReader,
  { name, columns }: TransferredTable,
  maxRowBytes: number,
): AsyncGenerator<readonly Row[], void> {
  const limit = Math.min(MAX_FETCH_ROWS, Math.max(1, Math.floor(MAX_FETCH_BYTES / Math.max(maxRowBytes, 1))));
  const values = columns.map((column) => `"${column.name}"::text`).join(", ");
  await source.select(`begin; declare every_row no scroll cursor for select ${values} from ${name}`);
  for (let isAll = false; !isAll;) {
    const rows = await source.select(`fetch ${limit} from every_row`);
    isAll = rows.length < limit;
    yield rows;
  }
  await source.select("commit");
}
