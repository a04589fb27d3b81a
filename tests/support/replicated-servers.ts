import { chown, copyFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import { makePostgresServer, type PostgresServer } from "./postgres-server.ts";

export interface Standby extends PostgresServer {
  /** Makes it a primary, which it is when this is done. */
  promote(): Promise<void>;
  /** From now on it receives what the primary writes and shows none of it. */
  pauseReplay(): Promise<void>;
  resumeReplay(): Promise<void>;
  /** Waits until it shows all that the primary has written so far. */
  catchUp(): Promise<void>;
}

/** Two servers by what they are at first: a promotion changes what they are, and not their names here. */
export interface ReplicatedServers {
  readonly primary: PostgresServer;
  readonly standby: Standby;
  /** Both hosts in one URL, the primary first; parameters such as `target_session_attrs=primary` go to its end. */
  url(database: string, parameters?: string): string;
  /** Ends the primary in good order, promotes the standby, and starts the former primary as the standby of it. */
  switchOver(): Promise<void>;
  stop(): Promise<void>;
}

export interface ReplicationOptions {
  /**
   * What a commit waits for: nothing of the standby's (`off`), that the standby has flushed it (`on`), or that the
   * standby shows it (`remote_apply`). While there is no standby, the two latter wait for one.
   */
  readonly synchronous?: "off" | "on" | "remote_apply";
  /** Of both servers, besides. */
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
  // Nothing runs on the primary's files yet, so that a copy of them is a backup.
  const standby = await makePostgresServer(primary);
  await primary.start(synchronous === "off" ? flags : [...flags, ...synchronousWith(synchronous)]);
  await startAsStandby(standby, primary, flags);
  // One that has not streamed yet is no part of a synchronous commit, nor can it be promoted without a loss.
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
        await ask(standby, "select pg_wal_replay_pause()");
        // Until what is being replayed is done, it is only requested.
        await until("Replay is paused", async () => {
          const [row] = await ask<{ state: string }>(standby, "select pg_get_wal_replay_pause_state() as state");
          return row?.state === "paused";
        });
      },
      resumeReplay: async () => {
        await ask(standby, "select pg_wal_replay_resume()");
      },
      catchUp: async () => {
        const [written] = await ask<{ lsn: string }>(primary, "select pg_current_wal_lsn() as lsn");
        const isShown = `select pg_last_wal_replay_lsn() >= '${written?.lsn}' as shown`;
        await until("The standby shows it", async () => {
          const [row] = await ask<{ shown: boolean }>(standby, isShown);
          return row?.shown === true;
        });
      },
    },
    url: (database, parameters = "") => {
      const query = parameters === "" ? "" : `?${parameters}`;
      return `${primary.url},127.0.0.1:${standby.port}/${database}${query}`;
    },
    switchOver: async () => {
      // A primary that ends waits for those that stream from it, and for no other.
      await streams();
      await primary.shutDown();
      await promote(standby);
      await startAsStandby(primary, standby, flags);
    },
    stop: async () => {
      // In this order: a primary waits at its end for the standby that streams from it.
      await standby.stop();
      await primary.stop();
    },
  };
}

function synchronousWith(level: string): readonly string[] {
  return ["-c", "synchronous_standby_names=*", "-c", `synchronous_commit=${level}`];
}

/** Starts it from its files, which are a copy of the primary's or were its own when it was the primary itself. */
async function startAsStandby(
  server: PostgresServer,
  primary: PostgresServer,
  flags: readonly string[],
): Promise<void> {
  const signal = join(server.directory, "standby.signal");
  await copyFile(join(server.directory, "PG_VERSION"), signal);
  // A promotion takes the file away, by the user whom the server runs as.
  const { uid, gid } = await stat(server.directory);
  await chown(signal, uid, gid);
  const connection = `host=127.0.0.1 port=${primary.port} user=postgres password=postgres`;
  await server.start([...flags, "-c", `primary_conninfo=${connection}`, "-c", "wal_retrieve_retry_interval=100ms"]);
}

async function promote(standby: PostgresServer): Promise<void> {
  await ask(standby, "select pg_promote()");
}

async function streaming(primary: PostgresServer): Promise<readonly { readonly sync_state: string }[]> {
  return ask(primary, "select sync_state from pg_stat_replication where state = 'streaming'");
}

/** On a connection of its own, as servers come and go. */
async function ask<T extends object>(server: PostgresServer, statement: string): Promise<readonly T[]> {
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
    if (performance.now() > endsAt) throw new Error(`${what}: not in ${TIMEOUT_MS} ms.`);
    await delay(POLL_MS);
  }
}
