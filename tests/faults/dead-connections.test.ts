import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../process/server.ts";
import { freePort, startPostgresServer, type PostgresServer } from "../support/postgres-server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { startVanishingHost, namespaceSkipReason } from "../support/vanishing-host.ts";
import { compare, counts, longestPauseMs, newAuthors, newLedger, writeWith, type Ledger } from "./ledger.ts";
import { report } from "../support/rounds.ts";
import { eventually } from "./watching.ts";

const NOTHING = { lost: [], unsent: [] };
const CLIENTS = 6;
/** Fewer connections than clients, so that statements wait for dead connections. */
const POOL = { DATABASE_POOL_SIZE: "3" };
/** Three times the promised 10 s, because the machine is shared. Without the watchdog it takes 15 minutes. */
const LIMIT_MS = 30_000;

let database: PostgresServer;
let name: string;
let directory: string;
const running: RunningServer[] = [];
const proxies: TcpProxy[] = [];

beforeAll(async () => {
  database = await startPostgresServer();
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-nothing-"));
  name = `quire_${crypto.randomUUID().replaceAll("-", "")}`;
  const sql = postgres(`${database.url}/postgres`, { max: 1 });
  await sql.unsafe(`create database ${name}`);
  await sql.end();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (server) => server.end("SIGKILL")));
  await Promise.all(proxies.splice(0).map(async (proxy) => proxy.close()));
  await rm(directory, { recursive: true });
});
afterAll(async () => database.stop());

async function quire(hosts: string, parameters = ""): Promise<RunningServer> {
  const url = `postgres://postgres:postgres@${hosts}/${name}?sslmode=disable${parameters}`;
  const server = await startServer(directory, { DATABASE_URL: url, ...POOL });
  running.push(server);
  return server;
}

async function proxy(port = 0): Promise<TcpProxy> {
  const started = await startTcpProxy(database.port, port);
  proxies.push(started);
  return started;
}

/** Clients write before, during and after `fault`. Expects that acknowledged writes resume and that none is lost. */
async function writeThrough(what: string, server: RunningServer, fault: () => unknown): Promise<Ledger> {
  const ledger = newLedger();
  const writing = writeWith(server.url, await newAuthors(server.url, CLIENTS), ledger);
  await eventually("writes", () => ledger.acknowledged.size > 50);
  await fault();
  const before = ledger.acknowledged.size;
  await eventually("writes again", () => ledger.acknowledged.size > before + 50, LIMIT_MS);
  await writing.stop();
  report(what, { ...counts(ledger), "longest time without a write, ms": longestPauseMs(ledger) });
  expect(await compare(server.url, ledger)).toEqual(NOTHING);
  return ledger;
}

describe("Quire on dead connections", () => {
  it("writes on new connections after a firewall drops the old ones silently", async () => {
    const between = await proxy();
    const server = await quire(`127.0.0.1:${between.port}`);
    await writeThrough("a firewall drops every connection silently", server, () => between.forget());
  });

  it("writes to the promoted standby when the old host stops answering and closes no connection", async () => {
    const [before, port] = [await proxy(), await freePort()];
    const server = await quire(`127.0.0.1:${before.port},127.0.0.1:${port}`, "&target_session_attrs=read-write");
    await writeThrough("the host stops answering, and another takes over", server, async () => {
      before.fallSilent();
      await proxy(port);
    });
  });

  it("writes to the promoted standby when the old machine vanishes from the network", async ({ skip }) => {
    const skipReason = namespaceSkipReason();
    skip(skipReason !== null, skipReason ?? "");
    const host = await startVanishingHost(database);
    try {
      const port = await freePort();
      const hosts = `${host.address}:${host.port},127.0.0.1:${port}`;
      const server = await quire(hosts, "&target_session_attrs=read-write");
      await writeThrough("a machine vanishes from the network, and another takes over", server, async () => {
        host.vanish();
        await proxy(port);
      });
      // Dead connections must not prevent a graceful shutdown.
      expect((await server.end("SIGTERM")).exitCode).toBe(0);
    } finally {
      await host.remove();
    }
  });

  it("does not drop the connection of a statement that the server still runs", async () => {
    const between = await proxy();
    const server = await quire(`127.0.0.1:${between.port}`);
    const [author] = await newAuthors(server.url, 1);
    const sql = postgres(`${database.url}/${name}`, { max: 1 });
    const ledger = newLedger();
    await sql.begin(async (transaction) => {
      await transaction.unsafe("lock table posts in exclusive mode");
      const writing = writeWith(server.url, author === undefined ? [] : [author], ledger);
      // Longer than the silence that starts a check of the host, and than that check.
      await transaction.unsafe("select pg_sleep(6)");
      void writing.stop();
    });
    await eventually("an answer", () => ledger.unknown.size === 0);
    await sql.end();
    expect(counts(ledger)).toEqual({ acknowledged: 1, refused: 0, unknown: 0 });
    expect(server.logged()).not.toContain("connections dropped");
  });

  it("exits with 0 at SIGTERM while every connection is dead", async () => {
    const between = await proxy();
    const server = await quire(`127.0.0.1:${between.port}`);
    const authors = await newAuthors(server.url, CLIENTS);
    between.fallSilent();
    const writing = writeWith(server.url, authors, newLedger());
    const ended = await server.end("SIGTERM");
    await writing.stop();
    expect(ended.exitCode).toBe(0);
  });
});
