/** `quire-api/edge/postgresql`: a storage on a PostgreSQL server for each request of a worker. It needs Node's `net` and `tls`. */
import { postgresPerRequest, type PostgresPerRequestOptions } from "../bootstrap/edge/postgres-per-request.ts";
import type { OpenWorkerStorage } from "../bootstrap/edge/worker-storage.ts";
import type { NeededMigration } from "../infrastructure/drizzle/migrations.ts";

export type { PostgresPerRequestOptions };

/** The build replaces it by the migrations of this release, because a worker cannot read their files. */
declare const NEEDED_MIGRATIONS: readonly NeededMigration[];

/** Opens the storage of a request. Run the Node server or a command of the same release first: it migrates the database. */
export function openPostgresPerRequest<Env>(options: PostgresPerRequestOptions<Env>): OpenWorkerStorage<Env> {
  return postgresPerRequest(options, NEEDED_MIGRATIONS);
}
