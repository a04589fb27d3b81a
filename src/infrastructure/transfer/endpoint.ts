import { err, ok, type Result } from "neverthrow";
import type { StopUnclean } from "../../application/ports/storage.ts";
import type { DrizzleClient } from "../pglite/client/client.ts";
import { openEmbeddedDatabase, type EmbeddedDatabaseOptions } from "../pglite/embedded-database.ts";
import { QUIRE_SCHEMA } from "../pglite/quire-schema.ts";
import { closeUnlessOk, migratedStorage, type OpenPgliteError } from "../pglite/storage.ts";
import { migrateServer, type OpenPostgresError, type PostgresOptions } from "../postgresql/migrate-server.ts";
import { serverClient } from "../postgresql/client/client.ts";
import { insertion, type Row, type RowReader, type TransferredTable } from "./table-copy.ts";

/** The source or the target of a transfer, with an up-to-date schema. Its methods throw the errors of the driver. */
export interface TransferEndpoint extends RowReader {
  /** The location of the database, to show to the operator. */
  readonly location: string;
  /** Runs a statement without a result. */
  run(text: string): Promise<void>;
  /** Inserts rows into a table, all or none. */
  insert(table: TransferredTable, rows: readonly Row[]): Promise<void>;
  close(): Promise<Result<void, StopUnclean>>;
}

const CLOSE_GRACE_MS = 5000;

/** The embedded PostgreSQL of a data directory, which the transfer locks. */
export async function embeddedEndpoint(
  options: Omit<EmbeddedDatabaseOptions, "schema"> & { readonly migrations: string },
): Promise<Result<TransferEndpoint, OpenPgliteError>> {
  const opened = await openEmbeddedDatabase({ ...options, schema: QUIRE_SCHEMA });
  if (opened.isErr()) return err(opened.error);
  const { directory, client, changeSchema, close } = opened.value;
  const { migrations, log } = options;
  const migrated = await closeUnlessOk(opened.value, log, async () =>
    migratedStorage(client, migrations, { changeSchema, log }),
  );
  return migrated.map(() => ({
    location: directory,
    select: async (text, values = []) => rowsOf(client, text, values),
    run: async (text) => void (await client.query(text)),
    insert: async (table, rows) => void (await client.query(...insertion(table, rows))),
    close,
  }));
}

async function rowsOf(client: DrizzleClient, text: string, values: readonly (string | null)[]) {
  return (await client.query<Row>(text, [...values], { rowMode: "array" })).rows;
}

/** A PostgreSQL server. The transfer connects with the role that may change its schema. */
export async function serverEndpoint(options: PostgresOptions): Promise<Result<TransferEndpoint, OpenPostgresError>> {
  const migrated = await migrateServer(options);
  if (migrated.isErr()) return err(migrated.error);
  const { extensionSchemas } = migrated.value;
  const server = options.migrator ?? options.server;
  // The verification reads whole tables, so statements have no time limit.
  const client = serverClient({ ...options, server, extensionSchemas, poolSize: 1, statementTimeoutMs: null });
  return ok({
    location: server.location,
    select: async (text, values = []) => (await client.unsafe(text, [...values]).values()) as readonly Row[],
    run: async (text) => void (await client.unsafe(text)),
    // Not COPY: the driver does not report that the server refused it (porsager/postgres#1173).
    insert: async (table, rows) => void (await client.unsafe(...insertion(table, rows))),
    close: async () => {
      await client.end(CLOSE_GRACE_MS);
      return ok();
    },
  });
}
