import { err, ok, type Result } from "neverthrow";
import type { Value } from "../sql/parameter.ts";
import type { DrizzleClient } from "../pglite/client/client.ts";
import { openEmbeddedPostgres, type EmbeddedPostgresOptions } from "../pglite/embedded-postgres.ts";
import { migratedStorage, type OpenPgliteError } from "../pglite/pglite-storage.ts";
import { migrateServer, type OpenPostgresError, type PostgresOptions } from "../postgresql/migrate-server.ts";
import { serverClient } from "../postgresql/client/client.ts";
import { columnNames, type TransferredTable, type Row } from "./table-copy.ts";

/** A database that is moved from or to, with its schema up to date. What its driver throws is caught by {@link move}. */
export interface TransferEndpoint {
  /** Where it is, to be shown. */
  readonly place: string;
  /** Asks for rows whose values are all text. */
  select(text: string, values?: readonly (string | null)[]): Promise<readonly Row[]>;
  /** Runs a statement that gives nothing. */
  run(text: string): Promise<void>;
  /** Adds rows to a table, all of them or none. */
  insert(table: TransferredTable, rows: readonly Row[]): Promise<void>;
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 5000;

/** The embedded PostgreSQL of a data directory, which nobody else may have meanwhile. */
export async function embeddedEndpoint(
  options: EmbeddedPostgresOptions & { readonly migrations: string },
): Promise<Result<TransferEndpoint, OpenPgliteError>> {
  const opened = await openEmbeddedPostgres(options);
  if (opened.isErr()) return err(opened.error);
  const { directory, client, changeSchema, close } = opened.value;
  const migrated = await migratedStorage(client, options.migrations, { changeSchema, log: options.log });
  if (migrated.isErr()) await close();
  return migrated.map(() => ({
    place: directory,
    select: async (text, values = []) => rowsOf(client, text, values),
    run: async (text) => void (await client.query(text)),
    insert: async (table, rows) => void (await client.query(...insertion(table, rows))),
    close: async () => void (await close()),
  }));
}

async function rowsOf(client: DrizzleClient, text: string, values: readonly (string | null)[]) {
  return (await client.query<Row>(text, [...values], { rowMode: "array" })).rows;
}

/** A PostgreSQL server, by the role that may change its schema. */
export async function serverEndpoint(options: PostgresOptions): Promise<Result<TransferEndpoint, OpenPostgresError>> {
  const migrated = await migrateServer(options);
  if (migrated.isErr()) return err(migrated.error);
  const { extensionSchemas } = migrated.value;
  const server = options.migrator ?? options.server;
  // The proof reads whole tables, so a statement may take as long as it must.
  const client = serverClient({ ...options, server, extensionSchemas, poolSize: 1, statementTimeoutMs: null });
  return ok({
    place: server.place,
    select: async (text, values = []) => (await client.unsafe(text, [...values]).values()) as readonly Row[],
    run: async (text) => void (await client.unsafe(text)),
    // Not by COPY: when the server refuses one, the driver tells nobody (porsager/postgres#1173).
    insert: async (table, rows) => void (await client.unsafe(...insertion(table, rows))),
    close: async () => client.end(CLOSE_GRACE_MS),
  });
}

/** Inserts rows as one array a column, in one statement. */
function insertion(table: TransferredTable, rows: readonly Row[]): [text: string, values: Value[][]] {
  const columns = table.columns.map(({ type }, index) => `$${index + 1}::${type}[]`);
  const text = `insert into ${table.name} (${columnNames(table)}) select * from unnest(${columns.join(", ")})`;
  return [text, table.columns.map((_, index) => rows.map((row) => row[index] ?? null))];
}
