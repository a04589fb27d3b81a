import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { spawnServer, startServer, type RunningServer } from "../process/server.ts";
import { startPgBouncer, pgBouncerSkipReason, type PgBouncer } from "../support/pgbouncer.ts";
import { startPostgresServer, type PostgresServer } from "../support/postgres-server.ts";
import { compare, counts, longestPauseMs, newAuthor, newAuthors, newLedger, publish, writeWith } from "./ledger.ts";
import { report } from "../support/rounds.ts";
import { eventually } from "./watching.ts";

const NOTHING = { lost: [], unsent: [] };
const CLIENTS = 8;
/** Fewer than the number of clients, and fewer than the connections of one Quire to PgBouncer. */
const POOL_SIZE = 2;
const TRANSACTION_MODE = { DATABASE_PREPARED_STATEMENTS: "off", DATABASE_SESSION_TIMEOUTS: "off" };

const skipReason = pgBouncerSkipReason();

let database: PostgresServer;
let bouncer: PgBouncer;
let directory: string;
let url: string;
const running: RunningServer[] = [];

beforeAll(async () => {
  if (skipReason !== null) return;
  database = await startPostgresServer();
  bouncer = await startPgBouncer(database, POOL_SIZE);
});
beforeEach(async ({ skip }) => {
  skip(skipReason !== null, skipReason ?? "");
  directory = await mkdtemp(join(tmpdir(), "quire-nothing-"));
  const name = `quire_${crypto.randomUUID().replaceAll("-", "")}`;
  const sql = postgres(`${database.url}/postgres`, { max: 1 });
  await sql.unsafe(`create database ${name}`);
  await sql.end();
  url = `${bouncer.url}/${name}`;
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (server) => server.end("SIGTERM")));
  await rm(directory, { recursive: true });
});
afterAll(async () => {
  if (skipReason !== null) return;
  await bouncer.stop();
  await database.stop();
});

async function quire(): Promise<RunningServer> {
  const server = await startServer(directory, { DATABASE_URL: url, ...TRANSACTION_MODE });
  running.push(server);
  return server;
}

describe("Quire behind PgBouncer in transaction mode", () => {
  it("migrates the schema once when several processes start at the same time", async () => {
    await Promise.all(Array.from({ length: 4 }, quire));
    const ended = await Promise.all(running.splice(0).map(async (server) => server.end("SIGTERM")));
    expect(ended.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
    const migrated = ended.filter(({ stderr }) => stderr.includes("schema migrated"));
    expect(migrated).toHaveLength(1);
  });

  it("serves more clients than PgBouncer has server connections, from registration to deletion", async () => {
    const server = await quire();
    const statuses = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, client) => publishChangeAndDelete(server.url, client)),
    );
    expect(statuses).toEqual(
      Array.from({ length: CLIENTS }, () => ({ created: 201, changed: 200, stale: 412, deleted: 204, gone: 404 })),
    );
  });

  it("loses no acknowledged write and answers no 500 when PgBouncer is killed under writes", async () => {
    const server = await quire();
    const ledger = newLedger();
    const writing = writeWith(server.url, await newAuthors(server.url, CLIENTS), ledger);
    await eventually("writes", () => ledger.acknowledged.size > 50);
    await bouncer.crash();
    await eventually("refusals", () => ledger.refused.size > CLIENTS);
    await delay(1000);
    await bouncer.start();
    const before = ledger.acknowledged.size;
    await eventually("writes again", () => ledger.acknowledged.size > before + 50);
    await writing.stop();
    report("kill -9 of PgBouncer under writes, started again a second later", {
      ...counts(ledger),
      "longest time without a write, ms": longestPauseMs(ledger),
    });
    expect(await compare(server.url, ledger)).toEqual(NOTHING);
    expect(new Set([...ledger.refused.values()].map(({ code }) => code))).toEqual(new Set(["storage_unavailable"]));
  });

  it("does not drop connections when all server connections of PgBouncer are busy", async () => {
    const server = await quire();
    const authors = await newAuthors(server.url, CLIENTS);
    const sql = postgres(`${database.url}/${url.split("/").at(-1)}`, { max: 1 });
    const ledger = newLedger();
    await sql.begin(async (transaction) => {
      await transaction.unsafe("lock table posts in exclusive mode");
      const writing = writeWith(server.url, authors, ledger);
      // Longer than the silence that starts a check of the host, and than that check, which waits for a server connection.
      await transaction.unsafe("select pg_sleep(7)");
      void writing.stop();
    });
    await sql.end();
    await eventually("an answer to each", () => ledger.unknown.size === 0);
    expect(counts(ledger)).toMatchObject({ refused: 0, unknown: 0 });
    expect(server.logged()).not.toContain("connections dropped");
  });

  it("accepts the URL parameters of Prisma for a pooler: pgbouncer and connection_limit", async () => {
    const server = await startServer(directory, { DATABASE_URL: `${url}?pgbouncer=true&connection_limit=3` });
    running.push(server);
    expect((await publishChangeAndDelete(server.url, 0)).created).toBe(201);
  });

  it("exits with 69 and the message of PgBouncer when DATABASE_SESSION_TIMEOUTS is on", async () => {
    const { exitCode, stderr } = await spawnServer(directory, {
      DATABASE_URL: url,
      DATABASE_PREPARED_STATEMENTS: "off",
      DATABASE_START_TIMEOUT_MS: "500",
    }).ended;
    expect(exitCode).toBe(69);
    expect(stderr).toContain("unsupported startup parameter: ");
  });
});

/** Runs one client from registration to deletion of its post. Returns the status of each step. */
async function publishChangeAndDelete(url: string, client: number) {
  const author = await newAuthor(url, `client-${client}`);
  const ledger = newLedger();
  await publish(url, author, `post of ${client}`, ledger);
  const [post] = [...ledger.acknowledged.values()];
  const path = `${url}/v1/posts/${post?.id}`;
  const authorization = { Authorization: `Bearer ${author.token}` };
  const etag = (await fetch(path)).headers.get("ETag") ?? "";
  const change = async (content: string) =>
    fetch(path, {
      method: "PATCH",
      headers: { ...authorization, "Content-Type": "application/merge-patch+json", "If-Match": etag },
      body: JSON.stringify({ content }),
    });
  const changed = await change("Changed");
  const stale = await change("Changed with a stale ETag");
  const deleted = await fetch(path, { method: "DELETE", headers: authorization });
  const gone = await fetch(path);
  return {
    created: post === undefined ? 0 : 201,
    changed: changed.status,
    stale: stale.status,
    deleted: deleted.status,
    gone: gone.status,
  };
}
