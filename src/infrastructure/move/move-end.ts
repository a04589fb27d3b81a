import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { err, ok, type Result } from "neverthrow";
import postgres from "postgres";
import type { DrizzleClient } from "../pglite/engine-client.ts";
import { openEmbeddedPostgres, type EmbeddedPostgresOptions } from "../pglite/embedded-postgres.ts";
import { migratedStorage, type OpenPgliteError } from "../pglite/pglite-storage.ts";
import { migrateServer, type OpenPostgresError, type PostgresOptions } from "../postgresql/postgres-storage.ts";
import { withoutSecrets } from "../postgresql/server-url.ts";
import { columnNames, type MovedTable, type Row } from "./moved-table.ts";

/** A database that is moved from or to, with its schema up to date. What its driver throws is caught by {@link move}. */
export interface MoveEnd {
  /** Where it is, to be shown. */
  readonly place: string;
  /** Asks for rows whose values are all text. */
  select(text: string, values?: readonly (string | null)[]): Promise<readonly Row[]>;
  /** Runs a statement that gives nothing. */
  run(text: string): Promise<void>;
  /** Adds rows to a table as they come, and in their order: where it fails, those that it has are the first of them. */
  insert(table: MovedTable, batches: AsyncIterable<readonly Row[]>): Promise<void>;
  close(): Promise<void>;
}

/** The embedded PostgreSQL of a data directory, which nobody else may have meanwhile. */
export async function embeddedEnd(
  options: EmbeddedPostgresOptions & { readonly migrations: string },
): Promise<Result<MoveEnd, OpenPgliteError>> {
  const opened = await openEmbeddedPostgres(options);
  if (opened.isErr()) return err(opened.error);
  const { directory, client, changeSchema, close } = opened.value;
  const migrated = await migratedStorage(client, options.migrations, { changeSchema, log: options.log });
  if (migrated.isErr()) await close();
  return migrated.map(() => ({
    place: directory,
    select: async (text, values = []) => rowsOf(client, text, values),
    run: async (text) => void (await client.query(text)),
    insert: async (table, batches) => {
      const columns = table.columns.map(({ type }, index) => `$${index + 1}::${type}[]`);
      const text = `insert into ${table.name} (${columnNames(table)}) select * from unnest(${columns.join(", ")})`;
      for await (const rows of batches) {
        const values = table.columns.map((_, index) => rows.map((row) => row[index] ?? null));
        await client.query(text, values);
      }
    },
    close: async () => void (await close()),
  }));
}

async function rowsOf(client: DrizzleClient, text: string, values: readonly (string | null)[]) {
  return (await client.query<Row>(text, [...values], { rowMode: "array" })).rows;
}

/** A PostgreSQL server, by the role that may change its schema. */
export async function serverEnd(options: PostgresOptions): Promise<Result<MoveEnd, OpenPostgresError>> {
  const migrated = await migrateServer(options);
  if (migrated.isErr()) return err(migrated.error);
  const server = options.migrator ?? options.server;
  // Times are compared as text.
  const connection = { application_name: "quire move", DateStyle: "ISO", TimeZone: "UTC" };
  const sql = postgres(server.url, { ssl: server.tls, max: 1, fetch_types: false, onnotice: () => {}, connection });
  return ok({
    place: withoutSecrets(server),
    select: async (text, values = []) => (await sql.unsafe(text, [...values]).values()) as readonly Row[],
    run: async (text) => void (await sql.unsafe(text)),
    insert: async (table, batches) => {
      const copy = await sql.unsafe(`copy ${table.name} (${columnNames(table)}) from stdin`).writable();
      await pipeline(Readable.from(batches), copyLines, copy);
    },
    close: async () => sql.end({ timeout: 5 }),
  });
}

async function* copyLines(batches: AsyncIterable<readonly Row[]>): AsyncGenerator<string> {
  for await (const rows of batches) yield rows.map(copyLine).join("");
}

/** A row in COPY's text format (PostgreSQL 18, COPY). */
function copyLine(row: Row): string {
  const values = row.map((value) => (value === null ? String.raw`\N` : value.replaceAll(/[\\\t\n\r]/g, escaped)));
  return `${values.join("\t")}\n`;
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

function escaped(character: string): string {
  return ESCAPES[character] ?? character;
}
