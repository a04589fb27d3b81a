import { ok, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { appliedMigrations } from "../drizzle/migrations.ts";
import type { NoDatabase } from "../pglite/directory/require-database.ts";
import { CLOSE_GRACE_MS, databaseOn, type PostgresOptions } from "./postgres-storage.ts";
import { serverClient } from "./server-client.ts";

/**
 * Looks whether the database of a server has Quire's schema, of whatever version, and makes nothing. A server that does not
 * answer passes: whoever opens it waits for it, and says why it is not reached.
 */
export async function requireSchema(options: PostgresOptions): Promise<Result<void, NoDatabase>> {
  const server = options.migrator ?? options.server;
  const client = serverClient({ ...options, server, poolSize: 1 });
  const applied = await appliedMigrations(databaseOn(client)).catch(() => null);
  await client.end(CLOSE_GRACE_MS);
  const isNew = applied?.isOk() === true && applied.value.length === 0;
  return isNew ? fail({ kind: "no_database", place: server.place }) : ok();
}
