import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { prepareCluster } from "../../src/infrastructure/pglite/directory/cluster.ts";
import { RESERVE_FILE } from "../../src/infrastructure/pglite/directory/layout.ts";
import { readControlFile } from "../../src/infrastructure/pglite/integrity/control-file.ts";
import { runServer, startServer, type RunningServer } from "../process/server.ts";
import { copyDirectory, openPlainEngine } from "../support/plain-engine.ts";
import { copyTemplate } from "../support/test-storage.ts";
import { ballastOn, freeBytesOn, inodesOn, memoryDisk, diskSkipReason, type Ballast, type Disk } from "./disks.ts";
import { inject, injectable } from "./injection.ts";
import {
  compare,
  indexDamage,
  newAuthor,
  newAuthors,
  newLedger,
  publish,
  writeWith,
  type Author,
  type Ledger,
} from "./ledger.ts";
import { report } from "../support/rounds.ts";
import { recordingLog } from "../../src/testing/fixtures.ts";
import { eventually, walBytes, watchLog, type LogLine } from "./watching.ts";

const MIB = 1_048_576;
const DISK_MIB = 260;
/** A database has 1,010 files. */
const INODES = 3000;
const WATERMARK = 64 * MIB;
/** `max_wal_size`, and the segment that a write after the last checkpoint may add. */
const MAX_WAL_BYTES = 64 * MIB;
const NOTHING = { lost: [], unsent: [] };
const PATIENCE_MS = 30_000;
const RECLAIMED = "disk full: space of deleted rows reclaimed";

const skipReason = diskSkipReason();
vi.setConfig({ testTimeout: 120_000 });

let disk: Disk;
let ballast: Ballast;
let directory: string;
let ledger: Ledger;
let server: RunningServer | null = null;
let log: readonly LogLine[];

beforeEach(async ({ skip }) => {
  skip(skipReason !== null, skipReason ?? "");
  disk = memoryDisk(DISK_MIB, INODES);
  ballast = ballastOn(disk.directory);
  directory = join(disk.directory, "data");
  const template = await copyTemplate();
  await copyDirectory(template, directory);
  await rm(template, { recursive: true });
  ledger = newLedger();
});

afterEach(async () => {
  await server?.end("SIGKILL");
  server = null;
  if (skipReason === null) disk.remove();
});

async function start(environment: Readonly<Record<string, string>> = {}): Promise<string> {
  server = await startServer(directory, environment);
  log = watchLog(server);
  return server.url;
}

const pathOf = (title: string) => `/v1/posts/${ledger.acknowledged.get(title)?.id}`;
const failures = () => log.filter(({ msg }) => msg === "engine failed: restarting");
const refusedAsFull = () => [...ledger.refused.values()].filter(({ code }) => code === "storage_full").length;

async function post(url: string, { token }: Author, title: string): Promise<Response> {
  return fetch(`${url}/v1/posts`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ title, content: "…", status: "published" }),
  });
}

async function statusOf(url: string, { token }: { readonly token?: string } = {}): Promise<number> {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(url, { headers });
  await response.arrayBuffer();
  return response.status;
}

async function readiness(url: string): Promise<unknown> {
  const response = await fetch(`${url}/health/ready`);
  return { status: response.status, ...((await response.json()) as object) };
}

/** The server reads the free space several times a second, not before each write. */
async function untilReadOnly(url: string): Promise<void> {
  const isReadOnly = async () => ((await readiness(url)) as { readonly writable?: boolean }).writable === false;
  await eventually("/health/ready shows that writes are refused", isReadOnly, PATIENCE_MS);
}

/** Publishes posts until one is acknowledged. Returns the time until then in milliseconds. */
async function untilWritable(url: string, author: Author): Promise<number> {
  const title = `when there is space, ${ledger.acknowledged.size}`;
  let attempts = 0;
  return eventually(
    "a write is acknowledged",
    async () => {
      attempts++;
      await publish(url, author, `${title}, ${attempts}`, ledger);
      return ledger.acknowledged.has(`${title}, ${attempts}`);
    },
    PATIENCE_MS,
  );
}

async function expectWhole(): Promise<void> {
  expect((await server?.end("SIGTERM"))?.exitCode).toBe(0);
  expect(await indexDamage(directory)).toEqual([]);
}

/** At a start with more than three quarters of a segment written, PostgreSQL 18 creates the next one (PreallocXlogFiles). */
async function writeLogUntilLastQuarter(cluster: string): Promise<void> {
  const { checkpoint, walSegmentBytes } = readControlFile(cluster) ?? {};
  if (checkpoint === undefined || walSegmentBytes === undefined) throw new Error("The control file cannot be read.");
  const missing = 0.9 * walSegmentBytes - Number(checkpoint % BigInt(walSegmentBytes));
  const engine = await openPlainEngine(cluster);
  await engine.query("select pg_logical_emit_message(false, 'test', repeat('x', $1))", [
    Math.max(1, Math.floor(missing)),
  ]);
  await engine.close();
}

async function change(
  url: string,
  { token }: Author,
  method: "PATCH" | "DELETE" | "POST",
  path: string,
  body?: object,
): Promise<number> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await response.arrayBuffer();
  return response.status;
}

describe("a server on a full disk", () => {
  it("answers writes with 507, serves reads, logs the refusal once, and recovers by itself", async () => {
    const url = await start();
    const author = await newAuthor(url, "author");
    await publish(url, author, "before", ledger);
    const id = ledger.acknowledged.get("before")?.id;
    ballast.fillUntil(WATERMARK / 2);
    await untilReadOnly(url);

    const refused = await post(url, author, "refused");
    expect(refused.status).toBe(507);
    expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
    expect(await refused.json()).toMatchObject({ status: 507, code: "storage_full", title: "Storage full" });
    for (let i = 0; i < 10; i++) await publish(url, author, `refused ${i}`, ledger);
    expect(refusedAsFull()).toBe(10);
    expect(await statusOf(`${url}/v1/posts/${id}`)).toBe(200);
    expect(await statusOf(`${url}/v1/users/${author.id}`, author)).toBe(200);
    expect(await statusOf(`${url}/v1/posts`, author)).toBe(200);
    expect(await readiness(url)).toMatchObject({ status: "ready", durability: "fsync", writable: false });

    ballast.drop();
    const waitedMs = await untilWritable(url, author);
    expect(waitedMs).toBeLessThan(3000);
    const isWritable = async () => ((await readiness(url)) as { readonly writable?: boolean }).writable === true;
    await eventually("/health/ready shows that writes are possible", isWritable);
    const refusals = log.filter(({ msg }) => msg.startsWith("disk full: writes refused"));
    expect(refusals).toMatchObject([{ level: "error", freeBytes: expect.any(Number), neededBytes: WATERMARK }]);
    expect(refusals[0]?.["freeBytes"]).toBeLessThan(WATERMARK);
    expect(failures()).toEqual([]);
    expect(await compare(url, ledger)).toEqual(NOTHING);
    await expectWhole();
  });

  it("loses no acknowledged write when the disk fills up suddenly and PostgreSQL panics", async () => {
    const faultFile = join(disk.directory, "fault");
    const url = await start(injectable(faultFile));
    const authors = await newAuthors(url, 4);
    const writing = writeWith(url, authors, ledger, 4000);
    await eventually("clients write", () => ledger.acknowledged.size > 100, PATIENCE_MS);
    // The watermark normally prevents this: no space for the write-ahead log.
    await inject(faultFile, { on: "write", path: "pg_wal", what: "ENOSPC", once: true });
    await eventually("PostgreSQL panics", () => failures().length > 0, PATIENCE_MS);
    ballast.fillUntil(0);
    await eventually("writes are refused", () => refusedAsFull() > 0, PATIENCE_MS);
    expect(await statusOf(`${url}/health/live`)).toBe(200);
    await eventually(
      "reads are answered",
      async () => (await statusOf(`${url}/v1/posts?limit=5`)) === 200,
      PATIENCE_MS,
    );
    const before = ledger.acknowledged.size;
    ballast.drop();
    const waitedMs = await eventually("clients write again", () => ledger.acknowledged.size > before, PATIENCE_MS);
    await delay(300);
    await writing.stop();
    report("disk full suddenly", {
      acknowledged: ledger.acknowledged.size,
      refused: refusedAsFull(),
      unknown: ledger.unknown.size,
      failures: failures().length,
      "writable again after ms": waitedMs,
    });
    expect(await compare(url, ledger)).toEqual(NOTHING);
    await expectWhole();
  });

  it("shuts down cleanly, and serves all data after a start", async () => {
    const first = await start();
    const author = await newAuthor(first, "author");
    for (let i = 0; i < 50; i++) await publish(first, author, `before ${i}`, ledger, 4000);
    ballast.fillUntil(0);
    expect(freeBytesOn(disk.directory)).toBe(0);
    expect(await server?.end("SIGTERM")).toMatchObject({ exitCode: 0 });
    expect(readControlFile(join(directory, "cluster"))).toMatchObject({ isShutDown: true });

    ballast.fillUntil(0);
    expect(freeBytesOn(disk.directory)).toBe(0);
    const url = await start();
    expect(await compare(url, ledger)).toEqual(NOTHING);
    expect(await statusOf(`${url}/v1/users/${author.id}`, author)).toBe(200);
    expect(await readiness(url)).toMatchObject({ status: "ready", writable: false });
    expect((await post(url, author, "refused")).status).toBe(507);
    expect(failures()).toEqual([]);
    ballast.drop();
    expect(await untilWritable(url, author)).toBeLessThan(3000);
    await expectWhole();
  });

  it("starts with the reserve even if PostgreSQL creates the next segment of its log then", async () => {
    const first = await start();
    const author = await newAuthor(first, "author");
    await publish(first, author, "before", ledger);
    const hasReserve = async () => (await stat(join(directory, RESERVE_FILE)).catch(() => null)) !== null;
    await eventually("the reserve is filled", hasReserve, PATIENCE_MS);
    expect(await server?.end("SIGTERM")).toMatchObject({ exitCode: 0 });
    await writeLogUntilLastQuarter(join(directory, "cluster"));

    ballast.fillUntil(0);
    const url = await start();
    expect(await compare(url, ledger)).toEqual(NOTHING);
    expect(await readiness(url)).toMatchObject({ status: "ready", writable: false });
    expect(failures()).toEqual([]);
    ballast.drop();
    await untilWritable(url, author);
    await expectWhole();
  });

  it("uses the reserve for crash recovery, and checks the indexes at the next start with free space", async () => {
    const first = await start();
    const author = await newAuthor(first, "author");
    for (let i = 0; i < 50; i++) await publish(first, author, `before ${i}`, ledger, 4000);
    ballast.fillUntil(0);
    await server?.end("SIGKILL");
    const url = await start();
    expect(await compare(url, ledger)).toEqual(NOTHING);
    expect(await readiness(url)).toMatchObject({ status: "ready", writable: false });
    ballast.drop();
    expect(await untilWritable(url, author)).toBeLessThan(3000);
    const hasCheckedIndexes = async () => {
      const { stderr, exitCode } = (await server?.end("SIGTERM")) ?? {};
      expect(exitCode).toBe(0);
      return stderr?.includes("write-ahead log replayed, indexes checked");
    };
    expect(await hasCheckedIndexes()).toBe(false);
    await start();
    expect(await hasCheckedIndexes()).toBe(true);
    await start();
    expect(await hasCheckedIndexes()).toBe(false);
    expect(await indexDamage(directory)).toEqual([]);
  });

  it("loses no acknowledged write when it fills the disk itself with almost no watermark", async () => {
    ballast.fillUntil(110 * MIB);
    const url = await start({ QUIRE_FREE_SPACE_MIB: "16" });
    const authors = await newAuthors(url, 4);
    const writing = writeWith(url, authors, ledger, 1_000_000);
    await eventually("the disk is full", () => refusedAsFull() + failures().length > 0, PATIENCE_MS);
    await delay(2000);
    expect(await statusOf(`${url}/health/live`)).toBe(200);
    const before = ledger.acknowledged.size;
    ballast.drop();
    const waitedMs = await eventually("clients write again", () => ledger.acknowledged.size > before, PATIENCE_MS);
    await writing.stop();
    report("disk filled by 1 MB posts", {
      acknowledged: ledger.acknowledged.size,
      refused: refusedAsFull(),
      unknown: ledger.unknown.size,
      failures: failures().length,
      "writable again after ms": waitedMs,
    });
    expect(await compare(url, ledger)).toEqual(NOTHING);
    await server?.end("SIGKILL");
    expect(await compare(await start({ QUIRE_FREE_SPACE_MIB: "16" }), ledger)).toEqual(NOTHING);
  });

  it("accepts log-ins, deletions and shorter texts, and refuses longer texts", async () => {
    const url = await start();
    const author = await newAuthor(url, "author");
    const leaving = await newAuthor(url, "leaving");
    for (const title of ["shortened", "deleted", "kept"]) await publish(url, author, title, ledger, 100_000);
    await publish(url, leaving, "of a deleted user", ledger);
    ballast.fillUntil(WATERMARK / 2);
    await untilReadOnly(url);

    expect((await post(url, author, "refused")).status).toBe(507);
    const content = "x".repeat(60_000);
    expect(await change(url, author, "PATCH", pathOf("shortened"), { content })).toBe(200);
    expect(await change(url, author, "PATCH", pathOf("shortened"), { content: `${content}y` })).toBe(507);
    expect(await change(url, author, "DELETE", pathOf("deleted"))).toBe(204);
    const proof = { currentPassword: "correct horse" };
    expect(await change(url, leaving, "DELETE", `/v1/users/${leaving.id}?posts=delete`, proof)).toBe(204);
    const credentials = { email: "author@example.org", password: "correct horse" };
    expect(await change(url, author, "POST", "/v1/sessions", credentials)).toBe(201);
    const registration = { ...credentials, email: "new@example.org", name: "New" };
    expect(await change(url, author, "POST", "/v1/users", registration)).toBe(507);
    expect(await readiness(url)).toMatchObject({ status: "ready", writable: false });

    for (const title of ["deleted", "of a deleted user"]) ledger.acknowledged.delete(title);
    ledger.acknowledged.set("shortened", { id: pathOf("shortened").slice("/v1/posts/".length), content, at: 0 });
    expect(await compare(url, ledger)).toEqual(NOTHING);
    await server?.end("SIGKILL");
    const again = await start();
    expect(await compare(again, ledger)).toEqual(NOTHING);
    ballast.drop();
    await untilWritable(again, author);
    await expectWhole();
  });

  it("accepts writes again after enough of the posts that filled the disk are deleted", async () => {
    const url = await start();
    const author = await newAuthor(url, "author");
    for (let i = 0; refusedAsFull() === 0; i++) await publish(url, author, `${i}`, ledger, 1_000_000);
    expect(ledger.acknowledged.size).toBeGreaterThan(20);
    // The oldest posts are deleted, so the files hardly shrink, and new rows reuse the space.
    for (const [title, { id }] of [...ledger.acknowledged].slice(0, -5)) {
      expect(await change(url, author, "DELETE", `/v1/posts/${id}`)).toBe(204);
      ledger.acknowledged.delete(title);
    }
    await untilWritable(url, author);
    expect(await readiness(url)).toMatchObject({ writable: true });
    const isLogShort = () => walBytes(directory) <= MAX_WAL_BYTES;
    await eventually("a checkpoint has removed the log of the deletions", isLogShort, PATIENCE_MS);
    expect(failures()).toEqual([]);
    expect(await compare(url, ledger)).toEqual(NOTHING);
    await server?.end("SIGKILL");
    expect(await compare(await start(), ledger)).toEqual(NOTHING);
    await expectWhole();
  });

  it("runs deletions with a third of the reserve, and then refuses them, because the log needs the rest", async () => {
    const url = await start();
    const author = await newAuthor(url, "author");
    for (let i = 0; i < 5; i++) await publish(url, author, `${i}`, ledger, 4000);
    // The test waits for the first reclaim before it takes the last byte. Nothing can protect a checkpoint that is being
    // written at that moment.
    ballast.fillUntil(WATERMARK / 2);
    await eventually("space is reclaimed", () => log.some(({ msg }) => msg === RECLAIMED), PATIENCE_MS);
    ballast.fillUntil(0);
    expect(await change(url, author, "DELETE", pathOf("0"))).toBe(204);
    ballast.fillUntil(0);
    expect(await change(url, author, "DELETE", pathOf("1"))).toBe(507);
    expect(await statusOf(`${url}${pathOf("1")}`)).toBe(200);
    expect(failures()).toEqual([]);
    ballast.drop();
    await untilWritable(url, author);
    await expectWhole();
  });

  it("answers writes with 507 without free inodes, and accepts them again when inodes are free", async () => {
    const url = await start();
    const author = await newAuthor(url, "author");
    await publish(url, author, "before", ledger);
    const inodes = inodesOn(disk.directory);
    inodes.takeAll();
    await untilReadOnly(url);
    for (let i = 0; i < 10; i++) await publish(url, author, `refused ${i}`, ledger, 400_000);
    expect(refusedAsFull()).toBe(10);
    expect(await statusOf(`${url}/v1/posts`)).toBe(200);
    expect(await readiness(url)).toMatchObject({ status: "ready", writable: false });
    inodes.giveBack();
    await untilWritable(url, author);
    const refused = refusedAsFull();
    for (let i = 0; i < 10; i++) await publish(url, author, `after ${i}`, ledger, 400_000);
    expect(refusedAsFull()).toBe(refused);
    expect(await readiness(url)).toMatchObject({ status: "ready", writable: true });
    expect(failures()).toEqual([]);
    expect(await compare(url, ledger)).toEqual(NOTHING);
    await expectWhole();
  });
});

describe("a start on a disk that is too small", () => {
  const startOn = async (mebibytes: number, prepare: (data: string) => Promise<void> = async () => {}) => {
    const small = memoryDisk(mebibytes);
    try {
      const data = join(small.directory, "data");
      await prepare(data);
      const { exitCode, stderr } = await runServer({ QUIRE_DATA_DIR: data, QUIRE_LOG_LEVEL: "silent" });
      return { exitCode, stderr: stderr.replace(data, "DATA") };
    } finally {
      small.remove();
    }
  };
  const REMEDY =
    "Free some space, or set QUIRE_DATA_DIR to a directory on another disk. QUIRE_FREE_SPACE_MIB is the amount that Quire always keeps free.\n";

  it("exits with 74 and names the free and the needed space when a new database does not fit", async () => {
    expect(await startOn(20)).toEqual({
      exitCode: 74,
      stderr: `The disk of DATA has 19 MiB free, and a new database needs 112 MiB. ${REMEDY}`,
    });
  });

  it("exits with 74 and names the free and the needed space when a migration does not fit", async () => {
    const unmigrated = async (data: string) => {
      await mkdir(data);
      (await prepareCluster(data, recordingLog()))._unsafeUnwrap();
    };
    const { exitCode, stderr } = await startOn(90, unmigrated);
    expect(exitCode).toBe(74);
    expect(stderr).toMatch(/^The disk of DATA has \d+ MiB free, and a migration of the schema needs 64 MiB\. /);
    expect(stderr.endsWith(REMEDY)).toBe(true);
  });
});
