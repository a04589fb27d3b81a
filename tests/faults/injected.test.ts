import { once } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openEmbeddedDatabase, type EmbeddedDatabase } from "../../src/infrastructure/pglite/embedded-database.ts";
import { startServer, type RunningServer } from "../process/server.ts";
import { recordingLog } from "../../src/testing/fixtures.ts";
import { copyTemplate, embeddedDefaults } from "../support/test-storage.ts";
import { fillWithPosts } from "./filling.ts";
import { inject, injectable, type Fault } from "./injection.ts";
import { compare, indexDamage, newAuthor, newAuthors, newLedger, publish, writeWith, type Ledger } from "./ledger.ts";
import { isThorough, THOROUGH_ONLY } from "../../src/contracts/thorough.ts";
import { report } from "../support/rounds.ts";
import { eventually, watchLog, type LogLine } from "./watching.ts";

/** Longer than a statement takes on a busy machine. */
const STATEMENT_TIMEOUT_MS = 2000;
/** The admission queue refuses a request that has waited for so long, which can happen on a busy machine. */
const QUEUE_AGE_MS = 5000;
/** Deeper than the API accepts, and deeper than PostgreSQL accepts. */
const DEEP = 20_000;
const TOO_DEEP = 200_000;

const PATIENCE_MS = 30_000;
const CLIENTS = 4;
const PAUSES = isThorough ? 3 : 1;

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
const logged = (message: string) => log.filter(({ msg }) => msg === message);
const failures = () => logged("engine failed: restarting");
const replacements = () => logged("engine restarted");

/** Only writes that ran when the engine failed have an unknown outcome. All other outcomes are known and true. */
async function expectNothingLost(url: string, failures: number): Promise<void> {
  expect(await compare(url, ledger)).toEqual({ lost: [], unsent: [] });
  // The engine was committing one write, or the writes of all clients in one group commit.
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

/** Whether a search finds a post. */
async function isFound(url: string, word: string): Promise<boolean> {
  const page = (await (await fetch(`${url}/v1/posts?q=${word}`)).json()) as { readonly items: readonly unknown[] };
  return page.items.length > 0;
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

/** Requests a path every few milliseconds until it is stopped, and does not wait for the responses in between. */
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

/** Faults of a running engine, and the log fields of each. */
const FAILURES: readonly (Fault & { readonly title: string; readonly reason: string; readonly detail: RegExp })[] = [
  {
    title: "whose fsync fails once",
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

describe("a server under load whose engine fails", () => {
  it("replaces the engine after each of several failures, and loses no acknowledged write", async () => {
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
      if (reason === "panic") expect(failure?.["lastLines"]).toContainEqual(failure?.["detail"]);
    }
    await moreIsAcknowledged();
    await writing.stop();
    await expectNothingLost(url, FAILURES.length);
  });

  it("replaces an engine with a gigabyte of data", async ({ skip }) => {
    skip(!isThorough, THOROUGH_ONLY);
    const postgres = (await openEmbeddedDatabase({ ...embeddedDefaults, directory }))._unsafeUnwrap();
    await fillWithPosts(postgres.client, 850, "content ".repeat(125));
    const { rows } = await postgres.client.query<{ mib: number }>(
      "select pg_database_size(current_database())::float8 / 1048576 as mib",
    );
    (await postgres.close())._unsafeUnwrap();
    const url = await start();
    const writing = writeWith(url, await newAuthors(url, CLIENTS), ledger);
    // Far enough apart that the failures are not counted together, so no restart is delayed.
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
  }, 600_000);

  it("exits with 74 after 9 failures when every fsync fails, and loses no acknowledged write", async () => {
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
    expect(failures().length + logged("engine does not start").length).toBe(9);

    await rm(faultFile());
    const again = await start();
    expect(ledger.unknown.size).toBeGreaterThan(0);
    expect(await compare(again, ledger)).toEqual({ lost: [], unsent: [] });
  });
});

describe("a server whose engine hangs", () => {
  it("replaces the engine after the deadline, answers the waiting reads, and answers the write with outcome_unknown", async () => {
    const first = await start();
    const author = await newAuthor(first, "author");
    await publish(first, author, "before", ledger);
    const id = ledger.acknowledged.get("before")?.id;
    // The index of searches is written in the background. Only the next server has nothing else to write than the hanging post.
    await eventually("the post is indexed", async () => isFound(first, "before"), PATIENCE_MS);
    await server?.end("SIGTERM");
    const url = await start({ QUIRE_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) });

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
    // An immediate retry could run the write twice.
    expect(answer.headers.has("Retry-After")).toBe(false);
    expect(await answer.json()).toMatchObject({ status: 503, code: "outcome_unknown" });
    const statuses = (await reads).map(({ status }) => status);
    const waitedMs = performance.now() - startedAt;
    // On a busy machine, the replacement can take longer than requests wait in the queue.
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
    await eventually("the failure is logged", () => failures().length > 0);
    expect(failures()).toMatchObject([{ reason: "deadline" }]);
    await expectNothingLost(url, 1);
  });

  it("keeps the same engine when the whole process is paused, as with a paused container", async () => {
    const url = await start({ QUIRE_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) });
    const writing = writeWith(url, await newAuthors(url, CLIENTS), ledger);
    await eventually("clients write", () => ledger.acknowledged.size > 50, PATIENCE_MS);
    for (let pause = 0; pause < PAUSES; pause++) {
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

  it("answers 503 storage_busy to the read that hangs, and does not run it again", async () => {
    const url = await start({ QUIRE_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) });
    const author = await newAuthor(url, "author");
    const { id } = author;
    await publish(url, author, "first", ledger);
    await server?.end("SIGTERM");
    // The next engine has not cached the table, so it reads the file.
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

  it("answers 503 storage_busy to a transaction that hangs before its commit, and stores nothing of it", async () => {
    const before = await start();
    const author = await newAuthor(before, "author");
    for (const title of ["first", "second", "third"]) await publish(before, author, title, ledger);
    await server?.end("SIGTERM");
    const url = await start({
      QUIRE_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS),
      QUIRE_LOG_LEVEL: "debug",
    });
    // The comparison of the search index with the posts reads from the disk, too.
    await eventually("the search index is up to date", () => logged("search index is up to date").length > 0);
    // Now the engine has cached the user, but not the index of posts by author. The deletion reads that from the disk.
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
    await eventually("the failure is logged", () => failures().length > 0);
    expect(failures()).toMatchObject([{ reason: "deadline" }]);
    await eventually("the server is ready", isReady, PATIENCE_MS);
    expect((await get(`/v1/users/${author.id}`, author.token)).status).toBe(200);
    await expectNothingLost(url, 0);
  });
});

describe("an engine that gets too large values", () => {
  it("is not reached by a JSON body that is nested too deep, which the API rejects with 400", async () => {
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

    it("accepts deep JSON, rejects deeper JSON with 54001, and continues", async () => {
      expect(await answer("select length($1::jsonb::text) as answer", [nested(DEEP)])).toBe(2 * DEEP);
      const refused = answer("select length($1::jsonb::text) as answer", [nested(TOO_DEEP)]);
      await expect(refused).rejects.toMatchObject({ code: "54001" });
      expect(await answer("select 1 as answer")).toBe(1);
      expect(engineLog.lines.filter(({ level }) => level === "error")).toEqual([]);
    });

    it("rejects a value that is larger than PostgreSQL's memory with 53200, and continues", async () => {
      const million = "repeat(repeat('x', 1000), 1000)";
      const refused = answer(`select length(repeat(${million}, 900) || repeat(${million}, 900)) as answer`);
      await expect(refused).rejects.toMatchObject({ code: "53200" });
      expect(await answer("select 1 as answer")).toBe(1);
    });
  });
});
