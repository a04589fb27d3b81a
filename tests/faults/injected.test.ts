import { once } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openEmbeddedDatabase, type EmbeddedDatabase } from "../../src/infrastructure/pglite/embedded-database.ts";
import { startServer, type RunningServer } from "../process/server.ts";
import { recordingLog } from "../support/fixtures.ts";
import { copyTemplate, embeddedDefaults } from "../support/test-storage.ts";
import { fillWithPosts } from "./filling.ts";
import { inject, injectable, type Fault } from "./injection.ts";
import { compare, indexDamage, newAuthor, newAuthors, newLedger, publish, writeWith, type Ledger } from "./ledger.ts";
import { isThorough, report } from "./rounds.ts";
import { eventually, watchLog, type LogLine } from "./watching.ts";

/** Longer than a statement takes on a busy machine. */
const STATEMENT_TIMEOUT_MS = 2000;
/** A request is refused when it has waited for so long, as it may on a busy machine. */
const QUEUE_AGE_MS = 5000;
/** More than the API takes, and more than PostgreSQL takes. */
const DEEP = 20_000;
const TOO_DEEP = 200_000;

const PATIENCE_MS = 30_000;
const CLIENTS = 4;

vi.setConfig({ testTimeout: 120_000 });

let directory: string;
let server: RunningServer | null = null;
let log: readonly LogLine[];
let ledger: Ledger;
let asking: NodeJS.Timeout[] = [];

const faultFile = () => `${directory}.fault`;

beforeEach(async () => {
  directory = await copyTemplate();
  ledger = newLedger();
});

afterEach(async () => {
  for (const timer of asking) clearInterval(timer);
  asking = [];
  await server?.end("SIGKILL");
  server = null;
  await rm(faultFile(), { force: true });
  await rm(directory, { recursive: true });
});

async function start(environment: Readonly<Record<string, string>> = {}): Promise<string> {
  server = await startServer(directory, { ...injectable(faultFile()), ...environment });
  log = watchLog(server);
  return server.url;
}

const hasTakenEffect = () => !existsSync(faultFile());
const said = (message: string) => log.filter(({ msg }) => msg === message);
const failures = () => said("engine failed: restarting");
const replacements = () => said("engine restarted");

/** Whoever was in the engine when it failed does not know what became of it; everybody else does, and it is true. */
async function expectNothingLost(url: string, failures: number): Promise<void> {
  expect(await compare(url, ledger)).toEqual({ lost: [], unsent: [] });
  // What the engine was committing when it failed: one write, or those of all the clients together.
  expect(ledger.unknown.size).toBeGreaterThanOrEqual(failures);
  expect(ledger.unknown.size).toBeLessThanOrEqual(CLIENTS * failures);
  for (const { code } of ledger.refused.values()) expect(code).toBe("storage_busy");
  expect((await server?.end("SIGTERM"))?.exitCode).toBe(0);
  expect(await indexDamage(directory)).toEqual([]);
}

async function get(path: string, token?: string): Promise<{ readonly status: number; readonly ms: number }> {
  const startedAt = performance.now();
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(`${server?.url}${path}`, { headers });
  await response.arrayBuffer();
  return { status: response.status, ms: performance.now() - startedAt };
}

const NO_ANSWER = { status: 0, ms: Infinity };

/** The file of a table or an index, while no server has the directory. */
async function fileOf(relation: string): Promise<string> {
  const { client, close } = (await openEmbeddedDatabase({ ...embeddedDefaults, directory }))._unsafeUnwrap();
  const { rows } = await client.query<{ path: string }>("select pg_relation_filepath($1::regclass) as path", [
    relation,
  ]);
  await close();
  return rows[0]?.path ?? "";
}

const isReady = async () => (await get("/health/ready")).status === 200;

/** Asks a path every few milliseconds until it is stopped, without waiting for the answers in between. */
function keepAsking(path: string) {
  const answers: Promise<{ readonly status: number; readonly ms: number }>[] = [];
  const timer = setInterval(() => answers.push(get(path).catch(() => NO_ANSWER)), 25);
  asking.push(timer);
  return {
    stop: async () => {
      clearInterval(timer);
      return Promise.all(answers);
    },
  };
}

/** What may happen to an engine while it serves, and what the log then says of it. */
const FAILURES: readonly (Fault & { readonly title: string; readonly reason: string; readonly detail: RegExp })[] = [
  {
    title: "whose fsync failed once, and does not take the flush for done",
    on: "fsync",
    path: "pg_wal",
    what: "EIO",
    once: true,
    reason: "panic",
    detail: /PANIC: {2}could not fsync file "[0-9A-F]{24}": I\/O error/,
  },
  {
    title: "that finds no space for its write-ahead log",
    on: "write",
    path: "pg_wal",
    what: "ENOSPC",
    once: true,
    reason: "panic",
    detail: /PANIC: {2}could not write to log file .*: No space left on device/,
  },
  {
    title: "that cannot write its write-ahead log",
    on: "write",
    path: "pg_wal",
    what: "EIO",
    once: true,
    reason: "panic",
    detail: /PANIC: {2}could not write to log file .*: I\/O error/,
  },
  {
    title: "whose thread has no heap left",
    on: "write",
    path: "pg_wal",
    what: "heap",
    once: true,
    reason: "exit",
    detail: /out of memory/,
  },
];

describe("a server under load", () => {
  it("replaces an engine that fails, one failure after the other, and loses nothing", async () => {
    const url = await start();
    const writing = writeWith(url, await newAuthors(url, CLIENTS), ledger);
    const moreIsAcknowledged = async () => {
      const before = ledger.acknowledged.size;
      await eventually("clients write", () => ledger.acknowledged.size > before + 50, PATIENCE_MS);
    };
    for (const [index, { title, reason, detail, ...fault }] of FAILURES.entries()) {
      await moreIsAcknowledged();
      await inject(faultFile(), fault);
      await eventually(`an engine ${title} is replaced`, () => replacements().length > index, PATIENCE_MS);
      expect(failures()).toHaveLength(index + 1);
      const failure = failures()[index];
      expect(failure, title).toMatchObject({ level: "error", reason, detail: expect.stringMatching(detail) });
      if (reason === "panic") expect(failure?.["lastWords"]).toContainEqual(failure?.["detail"]);
    }
    await moreIsAcknowledged();
    await writing.stop();
    await expectNothingLost(url, FAILURES.length);
  });

  it.runIf(isThorough)(
    "replaces an engine that has a gigabyte of data",
    async () => {
      const postgres = (await openEmbeddedDatabase({ ...embeddedDefaults, directory }))._unsafeUnwrap();
      await fillWithPosts(postgres.client, 850, "content ".repeat(125));
      const { rows } = await postgres.client.query<{ mib: number }>(
        "select pg_database_size(current_database())::float8 / 1048576 as mib",
      );
      (await postgres.close())._unsafeUnwrap();
      const url = await start();
      const writing = writeWith(url, await newAuthors(url, CLIENTS), ledger);
      // Further apart than the failures that are counted together, so that none is held back.
      for (let round = 0; round < 3; round++) {
        await delay(round === 0 ? 10_000 : 61_000);
        await inject(faultFile(), { on: "fsync", path: "pg_wal", what: "EIO", once: true });
        await eventually("the engine is replaced", () => replacements().length > round, PATIENCE_MS);
      }
      await writing.stop();
      report("An engine with a gigabyte", {
        "data in MiB": Math.round(rows[0]?.mib ?? 0),
        "replaced after ms": replacements()
          .map(({ durationMs }) => String(durationMs))
          .join(" / "),
      });
      expect(failures()).toHaveLength(3);
      expect(ledger.unknown.size).toBeLessThanOrEqual(CLIENTS * 3);
      expect((await get(`/v1/posts/${[...ledger.acknowledged.values()].at(-1)?.id}`)).status).toBe(200);
    },
    600_000,
  );

  it("gives up after a bounded number of failures when every fsync fails, and loses nothing", async () => {
    const url = await start();
    const writing = writeWith(url, await newAuthors(url, 2), ledger);
    await eventually("clients write", () => ledger.acknowledged.size > 50, PATIENCE_MS);
    await inject(faultFile(), { on: "fsync", path: "", what: "EIO", once: false });
    await once((server as RunningServer).process, "close");
    await writing.stop();
    const { exitCode, stderr } = (await server?.end("SIGKILL")) ?? {};
    expect(exitCode).toBe(74);
    expect(stderr).toMatch(/^PostgreSQL failed 9 times and is not restarted again: .*(?:PANIC|FATAL):.*I\/O error/m);
    expect(stderr).toMatch(/nothing in it was deleted\.\nIts last log lines:\n(?: {2}.*\n)+$/);
    expect(failures().length + said("engine does not start").length).toBe(9);

    await rm(faultFile());
    const again = await start();
    expect(ledger.unknown.size).toBeGreaterThan(0);
    expect(await compare(again, ledger)).toEqual({ lost: [], unsent: [] });
  });
});

describe("an engine that hangs", () => {
  it("is replaced after the deadline: reads that waited are answered, the write is of unknown outcome", async () => {
    const url = await start({ QUIRE_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) });
    const author = await newAuthor(url, "author");
    await publish(url, author, "before", ledger);
    const id = ledger.acknowledged.get("before")?.id;

    await inject(faultFile(), { on: "write", path: "pg_wal", what: "hang", once: true });
    const startedAt = performance.now();
    const hanging = fetch(`${url}/v1/posts`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${author.token}` },
      body: JSON.stringify({ title: "hanging", content: "…", status: "published" }),
    });
    ledger.unknown.add("hanging");
    await eventually("the engine hangs", hasTakenEffect);
    const live = keepAsking("/health/live");
    const ready = keepAsking("/health/ready");
    const reads = Promise.all(Array.from({ length: 20 }, async () => get(`/v1/posts/${id}`, author.token)));
    const later = delay(100).then(async () => publish(url, author, "waiting", ledger));

    const answer = await hanging;
    expect(answer.status).toBe(503);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    // Whoever repeated it at once might do it twice.
    expect(answer.headers.has("Retry-After")).toBe(false);
    expect(await answer.json()).toMatchObject({ status: 503, code: "outcome_unknown" });
    const statuses = (await reads).map(({ status }) => status);
    const waitedMs = performance.now() - startedAt;
    // On a busy machine the replacement may take longer than anybody waits.
    if (waitedMs < QUEUE_AGE_MS) expect(new Set(statuses)).toEqual(new Set([200]));
    await later;
    await eventually("the server is ready", isReady, PATIENCE_MS);
    await publish(url, author, "after", ledger);
    expect([...ledger.acknowledged.keys()]).toContain("after");

    const liveAnswers = await live.stop();
    expect(new Set(liveAnswers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(Math.max(...liveAnswers.map(({ ms }) => ms))).toBeLessThan(STATEMENT_TIMEOUT_MS);
    const readyAnswers = await ready.stop();
    expect(readyAnswers.map(({ status }) => status)).toContain(503);
    expect(readyAnswers.at(-1)?.status).toBe(200);
    await eventually("the log says it", () => failures().length > 0);
    expect(failures()).toMatchObject([{ reason: "deadline" }]);
    await expectNothingLost(url, 1);
  });

  it("is not one that was stopped with its process, as a container that is paused: that one goes on", async () => {
    const url = await start({ QUIRE_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) });
    const writing = writeWith(url, await newAuthors(url, CLIENTS), ledger);
    await eventually("clients write", () => ledger.acknowledged.size > 50, PATIENCE_MS);
    for (let pause = 0; pause < 3; pause++) {
      server?.process.kill("SIGSTOP");
      await delay(2 * STATEMENT_TIMEOUT_MS);
      const before = ledger.acknowledged.size;
      server?.process.kill("SIGCONT");
      await eventually("clients write again", () => ledger.acknowledged.size > before + 10, PATIENCE_MS);
    }
    await writing.stop();
    expect(failures()).toEqual([]);
    await expectNothingLost(url, 0);
  });

  it("answers a read that it hangs in as a database that has too much to do, and does not ask again", async () => {
    const url = await start({ QUIRE_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) });
    const author = await newAuthor(url, "author");
    const { id } = author;
    await publish(url, author, "first", ledger);
    await server?.end("SIGTERM");
    // It is read from the disk, as the warm-up of the next engine does not see it.
    const users = await fileOf("users");
    await start({ QUIRE_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) });
    await inject(faultFile(), { on: "read", path: users, what: "hang", once: true });
    const response = await fetch(`${server?.url}/v1/users/${id}`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "storage_busy" });
    await eventually("the server is ready", isReady, PATIENCE_MS);
    expect((await get(`/v1/users/${id}`)).status).toBe(200);
    await expectNothingLost(server?.url ?? "", 0);
  });

  it("loses a transaction that it hangs in: nothing of it is done, and the client is told so", async () => {
    const before = await start();
    const author = await newAuthor(before, "author");
    for (const title of ["first", "second", "third"]) await publish(before, author, title, ledger);
    await server?.end("SIGTERM");
    const url = await start({ QUIRE_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) });
    // Who asks is known to the engine now, and the index by author is still on the disk only: it reads it to delete posts.
    expect((await get(`/v1/users/${author.id}`, author.token)).status).toBe(200);
    await inject(faultFile(), { on: "read", path: "base/", what: "hang", once: true });
    const response = await fetch(`${url}/v1/users/${author.id}?posts=delete`, {
      method: "DELETE",
      headers: { Authorization: `Bearer ${author.token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ currentPassword: "correct horse" }),
    });
    expect(hasTakenEffect()).toBe(true);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "storage_busy" });
    await eventually("the log says it", () => failures().length > 0);
    expect(failures()).toMatchObject([{ reason: "deadline" }]);
    await eventually("the server is ready", isReady, PATIENCE_MS);
    expect((await get(`/v1/users/${author.id}`, author.token)).status).toBe(200);
    await expectNothingLost(url, 0);
  });
});

describe("what is more than an engine takes", () => {
  it("answers a JSON body that is nested too deep with 400, and lives", async () => {
    const url = await start();
    const { token } = await newAuthor(url, "author");
    const response = await fetch(`${url}/v1/posts`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
      body: `{"title":${"[".repeat(DEEP)}${"]".repeat(DEEP)},"content":"…"}`,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "json_too_deep" });
    expect((await get("/health/ready")).status).toBe(200);
    expect(failures()).toEqual([]);
  });

  describe("below the API", () => {
    let postgres: EmbeddedDatabase;
    const engineLog = recordingLog();

    beforeEach(async () => {
      engineLog.lines.length = 0;
      postgres = (await openEmbeddedDatabase({ ...embeddedDefaults, log: engineLog, directory }))._unsafeUnwrap();
    });
    afterEach(async () => postgres.close());

    const answer = async (text: string, parameters: string[] = []) =>
      (await postgres.client.query<{ answer: unknown }>(text, parameters)).rows[0]?.answer;
    const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

    it("takes deep JSON whole, or answers it with 54001 and goes on", async () => {
      expect(await answer("select length($1::jsonb::text) as answer", [nested(DEEP)])).toBe(2 * DEEP);
      const refused = answer("select length($1::jsonb::text) as answer", [nested(TOO_DEEP)]);
      await expect(refused).rejects.toMatchObject({ code: "54001" });
      expect(await answer("select 1 as answer")).toBe(1);
      expect(engineLog.lines.filter(({ level }) => level === "error")).toEqual([]);
    });

    it("answers a value that is larger than PostgreSQL's memory with an error, and goes on", async () => {
      const million = "repeat(repeat('x', 1000), 1000)";
      const refused = answer(`select length(repeat(${million}, 900) || repeat(${million}, 900)) as answer`);
      await expect(refused).rejects.toMatchObject({ code: "53200" });
      expect(await answer("select 1 as answer")).toBe(1);
    });
  });
});
