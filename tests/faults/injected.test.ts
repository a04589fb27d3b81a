import { once } from "node:events";
import { existsSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEmbeddedPostgres, type EmbeddedPostgres } from "../../src/infrastructure/pglite/embedded-postgres.ts";
import { startServer, type RunningServer } from "../process/server.ts";
import { recordingLog } from "../support/fixtures.ts";
import { copyTemplate, embeddedDefaults } from "../support/test-storage.ts";
import { compare, indexDamage, newAuthor, newLedger, publish, writeWith, type Author, type Ledger } from "./ledger.ts";
import { eventually, watchLog, type LogLine } from "./watching.ts";

const INJECTION = fileURLToPath(new URL("injection.cjs", import.meta.url));
const STATEMENT_TIMEOUT_MS = 1000;
/** What a replacement may take, from the failure to the next answer. */
const REPLACEMENT_MS = 4000;
const DEEP = 20_000;

/** What injection.cjs reads. */
interface Fault {
  readonly on: "fsync" | "read" | "write";
  readonly path: string;
  readonly what: "EIO" | "ENOSPC" | "hang" | "heap";
  readonly once: boolean;
}

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
  server = await startServer(directory, {
    NODE_OPTIONS: `--require "${INJECTION}"`,
    QUIRE_FAULT_FILE: faultFile(),
    ...environment,
  });
  log = watchLog(server);
  return server.url;
}

/** Makes the engine's file system fail from now on, or once. */
async function inject(fault: Fault): Promise<void> {
  await writeFile(`${faultFile()}.unfinished`, JSON.stringify(fault));
  await rename(`${faultFile()}.unfinished`, faultFile());
}

const hasTakenEffect = () => !existsSync(faultFile());
const said = (message: string) => log.filter(({ msg }) => msg === message);
const failures = () => said("the engine failed and is replaced");
const replacements = () => said("the engine was replaced");

async function newAuthors(url: string, count: number): Promise<Author[]> {
  const authors: Author[] = [];
  for (let i = 0; i < count; i++) authors.push(await newAuthor(url, `author${i}`));
  return authors;
}

/** Clients write before, during and after the fault; gives what the log says of the failure. */
async function failWhileWriting(url: string, fault: Fault): Promise<LogLine> {
  const authors = await newAuthors(url, 4);
  const writing = writeWith(url, authors, ledger);
  await eventually("clients write", () => ledger.acknowledged.size > 50);
  await inject(fault);
  await eventually("the engine is replaced", () => replacements().length > 0, 20_000);
  const acknowledgedBefore = ledger.acknowledged.size;
  await eventually("clients write again", () => ledger.acknowledged.size > acknowledgedBefore + 50);
  await writing.stop();
  expect(failures()).toHaveLength(1);
  return failures()[0] as LogLine;
}

/** Whoever was in the engine when it failed does not know; everybody else does, and it is true. */
async function expectNothingLost(url: string, unknown: number): Promise<void> {
  expect(await compare(url, ledger)).toEqual({ lost: [], unsent: [] });
  expect({ unknown: ledger.unknown.size, refused: [...ledger.refused] }).toEqual({ unknown, refused: [] });
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

/** Asks a path every few milliseconds until it is stopped, without waiting for the answers in between. */
function keepAsking(path: string) {
  const answers: Promise<{ readonly status: number; readonly ms: number }>[] = [];
  const timer = setInterval(() => answers.push(get(path)), 25);
  asking.push(timer);
  return {
    stop: async () => {
      clearInterval(timer);
      return Promise.all(answers);
    },
  };
}

describe("a disk that fails", () => {
  it("replaces an engine whose fsync failed once, and does not take the flush for done", async () => {
    const url = await start();
    const failure = await failWhileWriting(url, { on: "fsync", path: "pg_wal", what: "EIO", once: true });
    expect(failure).toMatchObject({ level: "error", reason: "panic" });
    expect(failure["detail"]).toMatch(/PANIC: {2}could not fsync file "[0-9A-F]{24}"/);
    expect(failure["lastWords"]).toContainEqual(failure["detail"]);
    await expectNothingLost(url, 1);
  });

  it("gives up after a bounded number of failures when every fsync fails, and loses nothing", async () => {
    const url = await start();
    const writing = writeWith(url, await newAuthors(url, 2), ledger);
    await eventually("clients write", () => ledger.acknowledged.size > 50);
    await inject({ on: "fsync", path: "", what: "EIO", once: false });
    await once((server as RunningServer).process, "close");
    await writing.stop();
    const { exitCode, stderr } = (await server?.end("SIGKILL")) ?? {};
    expect(exitCode).toBe(74);
    expect(stderr).toMatch(/^PostgreSQL failed 9 times and is given up: .*PANIC/m);
    expect(stderr).toMatch(/nothing in it was deleted\.\nIts last words:\n.*could not fsync/s);
    expect(failures().length + said("the engine does not open").length).toBe(9);

    await rm(faultFile());
    const again = await start();
    expect(await compare(again, ledger)).toEqual({ lost: [], unsent: [] });
  }, 90_000);

  it("replaces an engine that finds no space for its write-ahead log", async () => {
    const url = await start();
    const failure = await failWhileWriting(url, { on: "write", path: "pg_wal", what: "ENOSPC", once: true });
    expect(failure).toMatchObject({ reason: "panic", detail: expect.stringContaining("No space left on device") });
    await expectNothingLost(url, 1);
  });

  it("replaces an engine that cannot write its write-ahead log", async () => {
    const url = await start();
    const failure = await failWhileWriting(url, { on: "write", path: "pg_wal", what: "EIO", once: true });
    expect(failure).toMatchObject({ reason: "panic", detail: expect.stringContaining("PANIC") });
    await expectNothingLost(url, 1);
  });
});

describe("an engine that hangs", () => {
  it("is replaced after the deadline: reads that waited are answered, the write is of unknown outcome", async () => {
    const url = await start({ QUIRE_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) });
    const author = await newAuthor(url, "author");
    await publish(url, author, "before", ledger);
    const id = ledger.acknowledged.get("before")?.id;

    await inject({ on: "write", path: "pg_wal", what: "hang", once: true });
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
    expect((await reads).map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(performance.now() - startedAt).toBeLessThan(STATEMENT_TIMEOUT_MS + REPLACEMENT_MS);
    await later;
    await publish(url, author, "after", ledger);
    expect([...ledger.acknowledged.keys()]).toEqual(["before", "waiting", "after"]);

    const liveAnswers = await live.stop();
    expect(new Set(liveAnswers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(Math.max(...liveAnswers.map(({ ms }) => ms))).toBeLessThan(STATEMENT_TIMEOUT_MS / 2);
    const readyAnswers = await ready.stop();
    expect(readyAnswers.map(({ status }) => status)).toContain(503);
    expect(readyAnswers.at(-1)?.status).toBe(200);
    expect(failures()).toMatchObject([{ reason: "deadline" }]);
    await expectNothingLost(url, 1);
  });

  it("is asked a read once more, and the second hang is answered as a database that has too much to do", async () => {
    const url = await start({ QUIRE_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) });
    await publish(url, await newAuthor(url, "author"), "before", ledger);
    const id = ledger.acknowledged.get("before")?.id;
    await server?.end("SIGTERM");
    await start({ QUIRE_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) });
    // The table is read from the disk, as this engine has not seen it yet.
    await inject({ on: "read", path: "base/", what: "hang", once: true });
    const response = await fetch(`${server?.url}/v1/posts/${id}`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "storage_busy" });
    expect((await get(`/v1/posts/${id}`)).status).toBe(200);
    await expectNothingLost(server?.url ?? "", 0);
  });

  it("loses a transaction before its commit: nothing of it is done, and the client is told so", async () => {
    const before = await start();
    const author = await newAuthor(before, "author");
    for (const title of ["first", "second", "third"]) await publish(before, author, title, ledger);
    await server?.end("SIGTERM");
    const url = await start({ QUIRE_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) });
    // Who asks is known to the engine now, and the posts are still on the disk only: it reads them to delete them.
    expect((await get(`/v1/users/${author.id}`, author.token)).status).toBe(200);
    await inject({ on: "read", path: "base/", what: "hang", once: true });
    const response = await fetch(`${url}/v1/users/${author.id}?posts=delete`, {
      method: "DELETE",
      headers: { Authorization: `Bearer ${author.token}` },
    });
    expect(hasTakenEffect()).toBe(true);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "storage_unavailable" });
    expect(failures()).toMatchObject([{ reason: "deadline" }]);
    expect((await get(`/v1/users/${author.id}`, author.token)).status).toBe(200);
    await expectNothingLost(url, 0);
  });
});

describe("an engine whose memory is exhausted", () => {
  it("is replaced when its thread has no heap left", async () => {
    const url = await start();
    const failure = await failWhileWriting(url, { on: "write", path: "pg_wal", what: "heap", once: true });
    expect(failure).toMatchObject({ reason: "exit", detail: expect.stringContaining("out of memory") });
    await expectNothingLost(url, 1);
  });

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
    let postgres: EmbeddedPostgres;
    const engineLog = recordingLog();

    beforeEach(async () => {
      engineLog.lines.length = 0;
      postgres = (await openEmbeddedPostgres({ ...embeddedDefaults, log: engineLog, directory }))._unsafeUnwrap();
    });
    afterEach(async () => postgres.close());

    const one = async () => (await postgres.client.query("select 1 as one")).rows;

    it("answers JSON that is nested too deep for PostgreSQL with 54001, and goes on", async () => {
      const deep = `${"[".repeat(DEEP)}${"]".repeat(DEEP)}`;
      await expect(postgres.client.query("select $1::jsonb", [deep])).rejects.toMatchObject({ code: "54001" });
      expect(await one()).toEqual([{ one: 1 }]);
      expect(engineLog.lines.filter(({ level }) => level === "error")).toEqual([]);
    });

    it("answers a value that is larger than PostgreSQL's memory with an error, and goes on", async () => {
      const text = "select length(repeat('x', 900000000) || repeat('y', 900000000))";
      await expect(postgres.client.query(text)).rejects.toThrow();
      expect(await one()).toEqual([{ one: 1 }]);
    });
  });
});
