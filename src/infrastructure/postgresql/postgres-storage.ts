import { err, ok, type Result } from "neverthrow";
import type { Storage } from "../../application/ports/storage.ts";
import { purgeRateLimits } from "../drizzle/drizzle-rate-limiter.ts";
import { drizzleRepositories } from "../drizzle/drizzle-unit-of-work.ts";
import { searchIndexOn } from "../drizzle/search/search-index.ts";
import { renewTitleKeys } from "../drizzle/title-keys.ts";
import type { ServerStatistics } from "../storage/storage-statistics.ts";
import { withRetry } from "../storage/retry.ts";
import { serverClient, type ServerClient, type ServerOptions } from "./client/client.ts";
import type { ServerUrl } from "./client/server-url.ts";
import { databaseOn } from "./database.ts";
import { migrateServer, type OpenPostgresError, type PostgresOptions } from "./migrate-server.ts";
import { CLOSE_GRACE_MS, portsOn, type ServerStorage } from "./ports-on.ts";
import { durableLsnOf, replayedLsnOf } from "./replicas/lsn-queries.ts";
import { readOnReplicas, type Replica } from "./replicas/replicas.ts";

export interface PostgresStorage extends ServerStorage {
  readonly statistics: () => Promise<ServerStatistics>;
}

/** Opens the storage on a PostgreSQL server and applies the pending migrations. */
export async function openPostgresStorage(
  options: PostgresOptions,
): Promise<Result<PostgresStorage, OpenPostgresError>> {
  const { log } = options;
  const migrated = await migrateServer(options);
  if (migrated.isErr()) return err(migrated.error);
  const { shipped, extensionSchemas } = migrated.value;
  const client = serverClient({ ...options, extensionSchemas });
  const db = databaseOn(client);
  const standbys = options.replicas.map((replica) => openStandby({ ...options, extensionSchemas }, replica));
  const storage: Storage = {
    ...portsOn(db, shipped, options.accountQuotaBytes),
    close: async () => {
      const clients = [client, ...standbys.map((standby) => standby.client)];
      await Promise.all(clients.map(async (each) => each.end(CLOSE_GRACE_MS)));
      return ok();
    },
  };
  const primary = { storage: withRetry(storage, log), durableLsn: durableLsnOf(db) };
  const { replicaStatistics, ...replicated } = readOnReplicas(primary, standbys.map(replicaOn), log);
  return ok({
    ...replicated,
    statistics: async () => ({
      kind: "server",
      running: client.running(),
      poolSize: options.poolSize,
      replicas: replicaStatistics(),
    }),
    renewTitleKeys: async (isStopping) => renewTitleKeys(db, isStopping),
    searchIndex: searchIndexOn(db),
    purgeRateLimits: async (now) => purgeRateLimits(db, now),
  });
}

interface Standby {
  readonly client: ServerClient;
  readonly server: ServerUrl;
}

function openStandby(options: ServerOptions, server: ServerUrl): Standby {
  return { client: serverClient({ ...options, server }), server };
}

/** No write reaches a standby. */
const READ_ONLY = { accountQuotaBytes: 0, isShared: true };

function replicaOn({ client, server }: Standby): Replica {
  const db = databaseOn(client);
  return {
    location: server.location,
    repositories: drizzleRepositories(db, READ_ONLY),
    replayedLsn: replayedLsnOf(db),
  };
}
