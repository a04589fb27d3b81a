import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { spawnServer, startServer, type RunningServer } from "../process/server.ts";
import { startPostgresServer, type PostgresServer } from "../support/postgres-server.ts";
import { expectEachOnce, publishToAll, publishWithKeys, repeat } from "./keyed-posts.ts";
import { compare, counts, longestPauseMs, newAuthor, newAuthors, newLedger, publish, writeWith } from "./ledger.ts";
import { isThorough } from "../../src/contracts/thorough.ts";
import { report } from "../support/rounds.ts";
import { eventually } from "./watching.ts";

const NOTHING = { lost: [], unsent: [] };
const CLIENTS = 4;
const DOWN_MS = isThorough ? 10_000 : 3000;
/** `max_connections` of a PostgreSQL server that other programs use too. */
const MAX_CONNECTIONS = 12;

let database: PostgresServer;
let directory: string;
let url: string;
let sql: postgres.Sql;
const running: RunningServer[] = [];

beforeAll(async () => {
  database = await startPostgresServer();
  sql = postgres(`${database.url}/postgres`, { max: 1, onnotice: () => {} });
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-nothing-"));
  const name = `quire_${crypto.randomUUID().replaceAll("-", "")}`;
  await sql.unsafe(`create database ${name}`);
  url = `${database.url}/${name}`;
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (server) => server.end("SIGTERM")));
  await rm(directory, { recursive: true });
});
afterAll(async () => {
  await sql.end();
  await database.stop();
});

async function quire(environment: Readonly<Record<string, string>> = {}): Promise<RunningServer> {
  const server = await startServer(directory, { DATABASE_URL: url, ...environment });
  running.push(server);
  return server;
}

describe("Quire on a PostgreSQL server", () => {
  it("migrates the schema once when ten processes start at the same time on an empty database", async () => {
    const servers = await Promise.all(Array.from({ length: 10 }, async () => quire({ DATABASE_POOL_SIZE: "2" })));
    const ready = await Promise.all(servers.map(async (server) => (await fetch(`${server.url}/health/ready`)).status));
    expect(ready).toEqual(Array.from({ length: 10 }, () => 200));
    const ended = await Promise.all(running.splice(0).map(async (server) => server.end("SIGTERM")));
    expect(ended.map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 10 }, () => 0));
    const migrated = ended.filter(({ stderr }) => stderr.includes("schema migrated"));
    expect(migrated).toHaveLength(1);
  });

  it("waits at its start for a database that is down, and logs the wait", async () => {
    await database.crash();
    const starting = quire();
    await delay(DOWN_MS);
    await database.start();
    const startedAt = performance.now();
    const server = await starting;
    report(`started ${DOWN_MS / 1000} s before its database`, {
      "served after the start of the database, ms": Math.round(performance.now() - startedAt),
    });
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    running.pop();
    const { stderr } = await server.end("SIGTERM");
    expect(stderr).toContain("the database is not reached yet");
  });

  it("exits with 69 when the database cannot be reached in time", async () => {
    const closed = "postgres://postgres@127.0.0.1:1/postgres";
    const { ended } = spawnServer(directory, { DATABASE_URL: closed, DATABASE_START_TIMEOUT_MS: "1000" });
    const { exitCode, stderr } = await ended;
    expect(exitCode).toBe(69);
    expect(stderr).toContain("The database could not be reached within");
    expect(stderr).toContain("ECONNREFUSED");
  });

  it("exits with 78 immediately when the database refuses the password", async () => {
    const wrong = url.replace("postgres:postgres@", "postgres:wrong@");
    const { exitCode, stderr } = await spawnServer(directory, { DATABASE_URL: wrong }).ended;
    expect(exitCode).toBe(78);
    expect(stderr).toContain("password authentication failed");
    expect(stderr).not.toContain("wrong@");
  });

  it("exits with 78 and prints no part of a password that is not percent-encoded", async () => {
    for (const password of ["s3%cret", "s3#cret", "s3/cret", "s3?cret", "5432/s3cret"]) {
      const { exitCode, stdout, stderr } = await spawnServer(directory, {
        DATABASE_URL: `postgres://ada:${password}@127.0.0.1:1/quire`,
      }).ended;
      expect(exitCode).toBe(78);
      expect(stderr).toContain("must be percent-encoded");
      expect(stdout + stderr).not.toMatch(/s3|cret/);
    }
  });

  it("loses no acknowledged write when the database is killed under writes, and resumes by itself", async () => {
    const server = await quire();
    const ledger = newLedger();
    const writing = writeWith(server.url, await newAuthors(server.url, CLIENTS), ledger);
    await eventually("writes", () => ledger.acknowledged.size > 50);
    await database.crash();
    await eventually("a refusal", () => ledger.refused.size + ledger.unknown.size > CLIENTS);
    await delay(1000);
    await database.start();
    const before = ledger.acknowledged.size;
    const servedAgainMs = await eventually("a write again", () => ledger.acknowledged.size > before);
    await eventually("writes again", () => ledger.acknowledged.size > before + 50);
    await writing.stop();
    report("kill -9 of the database under writes", {
      ...counts(ledger),
      "longest time without a write, ms": longestPauseMs(ledger),
      "served again after its start, ms": servedAgainMs,
    });
    expect(await compare(server.url, ledger)).toEqual(NOTHING);
    expect(new Set([...ledger.refused.values()].map(({ code }) => code))).toEqual(new Set(["storage_unavailable"]));
  });

  it("loses no acknowledged write and answers no 500 when its connections are cut 20 times", async () => {
    const server = await quire();
    const ledger = newLedger();
    const writing = writeWith(server.url, await newAuthors(server.url, CLIENTS), ledger);
    for (let cut = 0; cut < 20; cut++) {
      // Waits for writes, so that there are connections to cut even on a slow machine.
      const enough = ledger.acknowledged.size + 2;
      await eventually("writes before the next cut", () => ledger.acknowledged.size >= enough, 30_000);
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'quire'`;
    }
    const before = ledger.acknowledged.size;
    await eventually("writes after it", () => ledger.acknowledged.size > before + 10);
    await writing.stop();
    report("connections cut 20 times under writes", {
      ...counts(ledger),
      "longest time without a write, ms": longestPauseMs(ledger),
    });
    expect(ledger.acknowledged.size).toBeGreaterThan(20);
    expect(await compare(server.url, ledger)).toEqual(NOTHING);
    expect([...ledger.refused.values()].filter(({ status }) => status !== 503)).toEqual([]);
  });

  it("runs a retried POST with an Idempotency-Key once after cut connections and a kill of the database", async () => {
    const [server, other] = await Promise.all([quire(), quire()]);
    const writing = publishWithKeys(server.url, await newAuthors(server.url, CLIENTS));
    for (let cut = 0; cut < 20; cut++) {
      await delay(100);
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'quire'`;
    }
    const before = writing.acknowledged();
    await eventually("writes after it", () => writing.acknowledged() > before + 10);
    await database.crash();
    await delay(500);
    await writing.stop();
    const acknowledged = writing.acknowledged();
    await database.start();
    const isReady = async () => (await fetch(`${other.url}/health/ready`)).status === 200;
    await eventually("the other process is ready", isReady);
    const repeated = await repeat(other.url, writing.posts);
    report("connections cut and the database killed under writes with keys", { acknowledged, ...repeated });
    await expectEachOnce(other.url, writing.posts);
  });

  it("runs a POST once when two processes receive the same key, and both give the same response", async () => {
    const [first, second] = await Promise.all([quire(), quire()]);
    const author = await newAuthor(first.url, "ada");
    const { posts, inUse } = await publishToAll([first.url, second.url], author, 50);
    report("posts sent to two processes at the same time with the same key", { posts: posts.length, "in use": inUse });
    await expectEachOnce(first.url, posts);
  });

  it("shares sessions and e-mail addresses between two processes", async () => {
    const [first, second] = await Promise.all([quire(), quire()]);
    const author = await newAuthor(first.url, "ada");
    const ledger = newLedger();
    await publish(second.url, author, "By the other", ledger);
    expect(await compare(first.url, ledger)).toEqual(NOTHING);
    const headers = { Authorization: `Bearer ${author.token}` };
    expect((await fetch(`${second.url}/v1/sessions`, { method: "DELETE", headers })).status).toBe(204);
    expect((await fetch(`${first.url}/v1/sessions`, { headers })).status).toBe(401);
    await expect(newAuthor(second.url, "ada")).rejects.toThrow("409");
  });

  it("registers one of twenty users who register concurrently with the same address", async () => {
    const [first, second] = await Promise.all([quire(), quire()]);
    const register = async (at: RunningServer) =>
      fetch(`${at.url}/v1/users`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ name: "Ada", email: "ada@example.org", password: "correct horse" }),
      });
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => register(index % 2 ? first : second)),
    );
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
  });

  it("serves more clients than it has connections", async () => {
    // All clients come from one address. A trusted proxy is exempt from the limit of 64 requests for one address.
    const server = await quire({ DATABASE_POOL_SIZE: "1", QUIRE_TRUSTED_PROXIES: "127.0.0.1" });
    const ledger = newLedger();
    const authors = await newAuthors(server.url, 8);
    await Promise.all(
      authors.flatMap((author, index) =>
        Array.from({ length: 25 }, async (_, post) => publish(server.url, author, `${index} ${post}`, ledger)),
      ),
    );
    expect(ledger.acknowledged.size).toBe(200);
    expect(await compare(server.url, ledger)).toEqual(NOTHING);
  });

  it("refuses writes with 503 while another session holds the locks that all its connections wait for, and then resumes", async () => {
    const server = await quire({ DATABASE_POOL_SIZE: "2", DATABASE_LOCK_TIMEOUT_MS: "300" });
    const ledger = newLedger();
    const authors = await newAuthors(server.url, CLIENTS);
    const writing = writeWith(server.url, authors, ledger);
    await eventually("writes", () => ledger.acknowledged.size > 20);
    const other = postgres(url, { max: 1 });
    await other.begin(async (transaction) => {
      // The insert of a post locks the row of its author (foreign key).
      await transaction`select id from users for update`;
      await eventually("refusals", () => ledger.refused.size > CLIENTS);
      const refused = await tryToPublish(server.url, authors[0]?.token);
      expect([refused.status, refused.headers.get("Retry-After")]).toEqual([503, "1"]);
      // Requests that need no lock are served meanwhile, and the database is healthy.
      expect((await fetch(`${server.url}/v1/posts`)).status).toBe(200);
      expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    });
    await other.end();
    const before = ledger.acknowledged.size;
    const servedAgainMs = await eventually("a write again", () => ledger.acknowledged.size > before);
    await eventually("writes again", () => ledger.acknowledged.size > before + 20);
    await writing.stop();
    report("rows locked by another session, two connections", {
      ...counts(ledger),
      "longest time without a write, ms": longestPauseMs(ledger),
      "served again after the lock, ms": servedAgainMs,
    });
    expect(await compare(server.url, ledger)).toEqual(NOTHING);
    expect(new Set([...ledger.refused.values()].map(({ code }) => code))).toEqual(new Set(["storage_busy"]));
  });

  it("answers 503 and no 500 while other programs have all connections of the server, and then resumes", async () => {
    const limits = [`max_connections=${MAX_CONNECTIONS}`, "superuser_reserved_connections=0"];
    const shared = await startPostgresServer(limits.flatMap((limit) => ["-c", limit]));
    onTestFinished(async () => shared.stop());
    // A request may run into the connect timeout several times before it is refused.
    const server = await quire({ DATABASE_URL: `${shared.url}/postgres` });
    const ledger = newLedger();
    const authors = await newAuthors(server.url, CLIENTS);
    const writing = writeWith(server.url, authors, ledger);
    await eventually("writes", () => ledger.acknowledged.size > 20);
    const others = await takeAllConnections(shared.url);
    await eventually("refusals", () => ledger.refused.size > CLIENTS, 30_000);
    const refused = await tryToPublish(server.url, authors[0]?.token);
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([503, "1"]);
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(503);
    await Promise.all(others.map(async (other) => other.end()));
    const before = ledger.acknowledged.size;
    const servedAgainMs = await eventually("a write again", () => ledger.acknowledged.size > before);
    await eventually("writes again", () => ledger.acknowledged.size > before + 20);
    await writing.stop();
    report("all connections of the server taken by others", {
      ...counts(ledger),
      "longest time without a write, ms": longestPauseMs(ledger),
      "served again after their release, ms": servedAgainMs,
    });
    expect(await compare(server.url, ledger)).toEqual(NOTHING);
    expect([...ledger.refused.values()].filter(({ status }) => status !== 503)).toEqual([]);
  });

  it("serves without prepared statements and session timeouts, as a pooler in transaction mode requires", async () => {
    const server = await quire({ DATABASE_PREPARED_STATEMENTS: "off", DATABASE_SESSION_TIMEOUTS: "off" });
    const ledger = newLedger();
    await publish(server.url, await newAuthor(server.url, "ada"), "A post", ledger);
    expect(await compare(server.url, ledger)).toEqual(NOTHING);
  });
});

async function tryToPublish(at: string, token = ""): Promise<Response> {
  return fetch(`${at}/v1/posts`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ title: "Refused", content: "Nothing of it is kept", status: "published" }),
  });
}

/** Cuts the connections of Quire and takes their slots, until no slot is left. */
async function takeAllConnections(serverUrl: string): Promise<readonly postgres.Sql[]> {
  const one = () => postgres(`${serverUrl}/postgres`, { max: 1, max_lifetime: null, fetch_types: false });
  const first = one();
  const taken = [first];
  while (taken.length < MAX_CONNECTIONS) {
    await first`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'quire'`;
    const next = one();
    // Quire may have reconnected first.
    const isTaken = await next`select 1`.then(
      () => true,
      () => false,
    );
    if (isTaken) taken.push(next);
    else await next.end();
  }
  return taken;
}
