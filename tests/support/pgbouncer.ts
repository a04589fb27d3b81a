import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort, type PostgresServer } from "./postgres-server.ts";

/** A PgBouncer in transaction mode in front of a server. */
export interface PgBouncer {
  /** The URL without the database, which follows after a slash. */
  readonly url: string;
  /** Kills PgBouncer immediately: its clients and the server lose their connections. */
  crash(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 10_000;
const POLL_MS = 20;

/** The directory of Debian's package, which is not in a user's PATH. */
const PATH = `${process.env["PATH"]}:/usr/sbin`;

/** The reason why PgBouncer cannot run here; `null` if it can. */
export function pgBouncerSkipReason(): string | null {
  const { status } = spawnSync("pgbouncer", ["--version"], { env: { PATH } });
  return status === 0 ? null : "pgbouncer is not in the PATH";
}

/** Starts a PgBouncer with this number of server connections for each database. */
export async function startPgBouncer(server: PostgresServer, poolSize: number): Promise<PgBouncer> {
  const directory = await mkdtemp(join(tmpdir(), "quire-pgbouncer-"));
  // PgBouncer also refuses to run as root. It runs as the user of the server, who must be able to read its
  // configuration.
  await chmod(directory, 0o755);
  const { uid, gid } = await stat(server.directory);
  const port = await freePort();
  const users = join(directory, "users.txt");
  const configuration = join(directory, "pgbouncer.ini");
  await writeFile(users, '"postgres" "postgres"\n');
  await writeFile(
    configuration,
    `[databases]
* = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${poolSize}
`,
  );
  let bouncer: ChildProcess;
  const start = async () => {
    bouncer = spawn("pgbouncer", [configuration], { env: { PATH }, uid, gid, stdio: "ignore" });
    const endsAt = performance.now() + START_TIMEOUT_MS;
    while (!(await answers(port))) {
      if (performance.now() > endsAt) throw new Error(`PgBouncer did not start within ${START_TIMEOUT_MS} ms.`);
      await delay(POLL_MS);
    }
  };
  const end = async () => {
    if (bouncer.exitCode !== null || bouncer.signalCode !== null) return;
    bouncer.kill("SIGKILL");
    await once(bouncer, "exit");
  };
  await start();
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}`,
    crash: end,
    start,
    stop: async () => {
      await end();
      await rm(directory, { recursive: true });
    },
  };
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const isAnswered = await new Promise<boolean>((settle) => {
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
  socket.destroy();
  return isAnswered;
}
