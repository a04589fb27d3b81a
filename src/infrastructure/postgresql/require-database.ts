import { ok, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { appliedMigrations } from "../drizzle/migrations.ts";
import type { NoDatabase } from "../pglite/directory/require-database.ts";
import { serverClient } from "./client/client.ts";
import { databaseOn } from "./database.ts";
import type { PostgresOptions } from "./migrate-server.ts";
import { CLOSE_GRACE_MS } from "./ports-on.ts";

/**
 * Fails with `no_database` when the database of a server lacks Quire's schema, of whatever version. It creates nothing. A
 * server that does not answer passes: opening the storage waits for it and reports why it is not reached.
 */
export async function requireServerDatabase(options: PostgresOptions): Promise<Result<void, NoDatabase>> {
  const server = options.migrator ?? options.server;
  const client = serverClient({ ...options, server, poolSize: 1 });
  const applied = await appliedMigrations(databaseOn(client)).catch(() => null);
  await client.end(CLOSE_GRACE_MS);
  const isNew = applied?.isOk() === true && applied.value.length === 0;
  return isNew ? fail({ kind: "no_database", location: server.location }) : ok();
}
