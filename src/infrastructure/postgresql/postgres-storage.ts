import { sql } from "drizzle-orm";
import { err, ok, type Result } from "neverthrow";
import type { StorageProbe } from "../../application/ports/storage-probe.ts";
import type { Storage } from "../../application/ports/storage.ts";
import { attempt } from "../drizzle/attempt.ts";
import { checkSchema } from "../drizzle/check-schema.ts";
import type { Database } from "../drizzle/database.ts";
import { drizzleRepositories, drizzleUnitOfWork } from "../drizzle/drizzle-unit-of-work.ts";
import { searchIndexOn, type SearchIndex } from "../drizzle/search/search-index.ts";
import { renewTitleKeys, type RenewTitleKeys } from "../drizzle/title-keys.ts";
import type { ServerStatistics } from "../storage/storage-statistics.ts";
import { withRetry } from "../storage/retry.ts";
import { serverClient, type ServerClient, type ServerOptions } from "./client/client.ts";
import type { ServerUrl } from "./client/server-url.ts";
import { databaseOn } from "./database.ts";
import { migrateServer, type OpenPostgresError, type PostgresOptions } from "./migrate-server.ts";
import { durableLsnOf, replayedLsnOf } from "./replicas/lsn-queries.ts";
import { readOnReplicas, type Replica } from "./replicas/replicas.ts";

export interface PostgresStorage extends Storage {
  readonly renewTitleKeys: RenewTitleKeys;
  readonly searchIndex: SearchIndex;
  readonly statistics: () => Promise<ServerStatistics>;
}

export const CLOSE_GRACE_MS = 5000;

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
  const storageOptions = { accountQuotaBytes: options.accountQuotaBytes, isShared: true };
  const standbys = options.replicas.map((replica) => openStandby({ ...options, extensionSchemas }, replica));
  const storage: Storage = {
    ...drizzleRepositories(db, storageOptions),
    unitOfWork: drizzleUnitOfWork(db, storageOptions),
    probe: {
      check: async () => {
        const checked = await checkSchema(db, shipped);
        return checked.isErr() ? err(checked.error) : statusOf(db);
      },
    },
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

/** The durability of an acknowledged write, and whether the server accepts writes now. */
async function statusOf(db: Database): ReturnType<StorageProbe["check"]> {
  const status = await attempt(db, "probe.check", async () =>
    db
      .select({
        isDurable: sql<boolean>`current_setting('fsync')::boolean and current_setting('synchronous_commit') <> 'off'`,
        isStandby: sql<boolean>`pg_is_in_recovery()`,
      })
      .from(sql`(values (1)) as one`),
  );
  return status.map(([row]) => ({
    durability: row?.isDurable === true ? "fsync" : "relaxed",
    writable: row?.isStandby === false,
  }));
}
