import { chown, copyFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import { makePostgresServer, type PostgresServer } from "./postgres-server.ts";

export interface Standby extends PostgresServer {
  /** Promotes it. It is a primary when this resolves. */
  promote(): Promise<void>;
  /** From now on it receives the writes of the primary and does not replay them. */
  pauseReplay(): Promise<void>;
  resumeReplay(): Promise<void>;
  /** Waits until it has replayed all writes of the primary so far. */
  catchUp(): Promise<void>;
}

/** Two servers, named by their first roles. A promotion changes the roles, and not these names. */
export interface ReplicatedServers {
  readonly primary: PostgresServer;
  readonly standby: Standby;
  /** Both hosts in one URL, the primary first. Parameters such as `target_session_attrs=primary` are appended. */
  url(database: string, parameters?: string): string;
  /** Shuts the primary down cleanly, promotes the standby, and starts the former primary as its standby. */
  switchOver(): Promise<void>;
  stop(): Promise<void>;
}

export interface ReplicationOptions {
  /**
   * The event that a commit waits for (synchronous_commit). `off` does not wait for the standby. `on` waits until the
   * standby has flushed the commit, and `remote_apply` until it has replayed it. Without a standby, the two latter wait
   * for one.
   */
  readonly synchronous?: "off" | "on" | "remote_apply";
  /** Further flags of both servers. */
  readonly flags?: readonly string[];
}

const TIMEOUT_MS = 30_000;
const POLL_MS = 20;

/** Starts a primary and a standby that streams from it. */
export async function startReplicatedServers({
  synchronous = "on",
  flags = [],
}: ReplicationOptions = {}): Promise<ReplicatedServers> {
  const primary = await makePostgresServer();
  // The primary is not running yet, so a copy of its files is a backup.
  const standby = await makePostgresServer(primary);
  await primary.start(synchronous === "off" ? flags : [...flags, ...synchronousWith(synchronous)]);
  await startAsStandby(standby, primary, flags);
  // A standby that has not streamed yet takes no part in a synchronous commit, and cannot be promoted without a loss.
  const streams = async () =>
    until("The standby streams", async () =>
      (await streaming(primary)).some(({ sync_state: state }) => state === "sync" || synchronous === "off"),
    );
  await streams();
  return {
    primary,
    standby: {
      ...standby,
      promote: async () => promote(standby),
      pauseReplay: async () => {
        await query(standby, "select pg_wal_replay_pause()");
        // The pause is only requested until the current replay is done.
        await until("Replay is paused", async () => {
          const [row] = await query<{ state: string }>(standby, "select pg_get_wal_replay_pause_state() as state");
          return row?.state === "paused";
        });
      },
      resumeReplay: async () => {
        await query(standby, "select pg_wal_replay_resume()");
      },
      catchUp: async () => {
        const [written] = await query<{ lsn: string }>(primary, "select pg_current_wal_lsn() as lsn");
        const isShown = `select pg_last_wal_replay_lsn() >= '${written?.lsn}' as shown`;
        await until("The standby shows it", async () => {
          const [row] = await query<{ shown: boolean }>(standby, isShown);
          return row?.shown === true;
        });
      },
    },
    url: (database, parameters = "") => {
      const query = parameters === "" ? "" : `?${parameters}`;
      return `${primary.url},127.0.0.1:${standby.port}/${database}${query}`;
    },
    switchOver: async () => {
      // At its shutdown a primary waits only for connected standbys.
      await streams();
      await primary.shutDown();
      await promote(standby);
      await startAsStandby(primary, standby, flags);
    },
    stop: async () => {
      // This order is necessary: at its shutdown a primary waits for the standby that streams from it.
      await standby.stop();
      await primary.stop();
    },
  };
}

function synchronousWith(level: string): readonly string[] {
  return ["-c", "synchronous_standby_names=*", "-c", `synchronous_commit=${level}`];
}

/** Starts it from its files. They are a copy of the primary's, or its own from the time when it was the primary. */
async function startAsStandby(
  server: PostgresServer,
  primary: PostgresServer,
  flags: readonly string[],
): Promise<void> {
  const signal = join(server.directory, "standby.signal");
  await copyFile(join(server.directory, "PG_VERSION"), signal);
  // A promotion removes the file, as the user who runs the server.
  const { uid, gid } = await stat(server.directory);
  await chown(signal, uid, gid);
  const connection = `host=127.0.0.1 port=${primary.port} user=postgres password=postgres`;
  await server.start([...flags, "-c", `primary_conninfo=${connection}`, "-c", "wal_retrieve_retry_interval=100ms"]);
}

async function promote(standby: PostgresServer): Promise<void> {
  await query(standby, "select pg_promote()");
}

async function streaming(primary: PostgresServer): Promise<readonly { readonly sync_state: string }[]> {
  return query(primary, "select sync_state from pg_stat_replication where state = 'streaming'");
}

/** Uses a separate connection, because servers stop and start. */
async function query<T extends object>(server: PostgresServer, statement: string): Promise<readonly T[]> {
  const sql = postgres(`${server.url}/postgres`, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe<T[]>(statement);
  } finally {
    await sql.end();
  }
}

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + TIMEOUT_MS;
  while (!(await isTrue())) {
    if (performance.now() > endsAt) throw new Error(`${what}: not within ${TIMEOUT_MS} ms.`);
    await delay(POLL_MS);
  }
}
