import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runServer, startServer, type RunningServer } from "../process/server.ts";
import { copyTemplate } from "../support/test-storage.ts";
import { inject, injectable } from "./injection.ts";
import { compare, indexDamage, newAuthor, newAuthors, newLedger, publish, writeWith, type Ledger } from "./ledger.ts";
import { eventually, watchLog, type LogLine } from "./watching.ts";

const NOTHING = { lost: [], unsent: [] };
const PATIENCE_MS = 60_000;
const CLIENTS = 4;
const LARGE = 300_000;
/** Node itself has about this number open: its event loop, its threads and the log. */
const TOO_FEW_FOR_AN_ENGINE = 40;

/** These faults need prlimit, which changes the limits of a running process (Linux). */
const skipReason = canChangeLimits() ? null : "only root may change the limits of a process, with prlimit";
vi.setConfig({ testTimeout: 180_000 });

let directory: string;
let server: RunningServer | null = null;
let log: readonly LogLine[];
let ledger: Ledger;
let sockets: Socket[] = [];

const faultFile = () => `${directory}.fault`;

beforeEach(async () => {
  directory = await copyTemplate();
  ledger = newLedger();
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await server?.end("SIGKILL");
  server = null;
  await rm(faultFile(), { force: true });
  await rm(directory, { recursive: true });
});

function canChangeLimits(): boolean {
  try {
    execFileSync("prlimit", ["--pid", String(process.pid), "--nofile"], { stdio: "ignore" });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

async function start(environment: Readonly<Record<string, string>> = {}): Promise<string> {
  server = await startServer(directory, environment);
  log = watchLog(server);
  return server.url;
}

const pid = () => String(server?.process.pid);
const openDescriptors = () => readdirSync(`/proc/${pid()}/fd`).length;
const limitDescriptors = (limit: number) => execFileSync("prlimit", ["--pid", pid(), `--nofile=${limit}:20000`]);
const failures = () => log.filter(({ msg }) => msg === "engine failed: restarting");
const refused = () => [...ledger.refused.values()];

async function readiness(url: string): Promise<{ readonly status: number; readonly writable: unknown }> {
  const response = await fetch(`${url}/health/ready`);
  const { writable } = (await response.json()) as { readonly writable?: boolean };
  return { status: response.status, writable };
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
}

async function expectWhole(url: string): Promise<void> {
  expect(await compare(url, ledger)).toEqual(NOTHING);
  expect((await server?.end("SIGTERM"))?.exitCode).toBe(0);
  expect(await indexDamage(directory)).toEqual([]);
}

describe("a server without free descriptors", () => {
  it("keeps enough descriptors for the database when a thousand idle connections are open", async ({ skip }) => {
    skip(skipReason !== null, skipReason ?? "");
    const url = await start();
    const author = await newAuthor(url, "author");
    await server?.end("SIGTERM");
    // All connections come from one address. It is a trusted proxy here, so the limit of one address does not apply.
    server = await startServer(directory, { QUIRE_TRUSTED_PROXIES: "127.0.0.1" }, 1024);
    log = watchLog(server);
    await statusOf(`${server.url}/health/ready`);
    const { hostname, port } = new URL(server.url);
    const openBefore = openDescriptors();
    for (let i = 0; i < 1024; i++) {
      const socket = connect(Number(port), hostname).resume();
      socket.on("error", () => {});
      sockets.push(socket);
    }
    await eventually("the server is full", () => openDescriptors() > 800, PATIENCE_MS);
    await eventually("the refusal is logged", () => log.some(({ msg }) => msg.startsWith("connections refused")));
    // Connections that the server has not accepted yet would take the places of those that are closed below.
    const openSockets = () => sockets.filter(({ closed }) => !closed).length;
    const areAllDecided = () => openSockets() <= openDescriptors() - openBefore;
    await eventually("every connection is accepted or refused", areAllDecided, PATIENCE_MS);
    // The requests of this test also need connections.
    for (const socket of sockets.splice(0, 20)) socket.destroy();
    await eventually(
      "a client can connect",
      async () => {
        const status = await statusOf(`${server?.url}/health/live`).catch(() => 0);
        return status === 200;
      },
      PATIENCE_MS,
    );
    for (let i = 0; i < 20; i++) await publish(server.url, author, `post ${i}`, ledger, LARGE);
    expect(ledger.acknowledged.size).toBe(20);
    expect(await readiness(server.url)).toEqual({ status: 200, writable: true });
    expect(openDescriptors()).toBeLessThan(1000);
    for (const socket of sockets.splice(0)) socket.destroy();
    await expectWhole(server.url);
  });

  it("loses no acknowledged write, and resumes writes by itself when descriptors are free again", async ({ skip }) => {
    skip(skipReason !== null, skipReason ?? "");
    const url = await start();
    const writing = writeWith(url, await newAuthors(url, CLIENTS), ledger, LARGE);
    await eventually("clients write", () => ledger.acknowledged.size > 10, PATIENCE_MS);
    for (const limit of [TOO_FEW_FOR_AN_ENGINE, openDescriptors()]) {
      const before = ledger.acknowledged.size;
      limitDescriptors(limit);
      await delay(3000);
      expect(server?.process.exitCode).toBeNull();
      limitDescriptors(20_000);
      await eventually("clients write again", () => ledger.acknowledged.size > before + 10, PATIENCE_MS);
    }
    await writing.stop();
    await eventually("the server is writable", async () => (await readiness(url)).writable === true, PATIENCE_MS);
    await expectWhole(url);
  });

  it("does not exit when a failed engine cannot be replaced for 10 seconds", async ({ skip }) => {
    skip(skipReason !== null, skipReason ?? "");
    const url = await start(injectable(faultFile()));
    const author = await newAuthor(url, "author");
    await publish(url, author, "before", ledger);
    await inject(faultFile(), { on: "write", path: "pg_wal", what: "ENOSPC", once: true });
    // Fewer than the process has open without an engine, so no new engine can be opened.
    limitDescriptors(TOO_FEW_FOR_AN_ENGINE);
    const socketsUsed = publish(url, author, "lost", ledger).catch(() => undefined);
    await eventually("the engine fails", () => failures().length > 0, PATIENCE_MS);
    await socketsUsed;
    await delay(10_000);
    expect(server?.process.exitCode).toBeNull();
    expect(log.filter(({ msg }) => msg === "engine restarted")).toEqual([]);
    limitDescriptors(20_000);
    await eventually("the server is writable", async () => (await readiness(url)).writable === true, PATIENCE_MS);
    await publish(url, author, "after", ledger);
    expect([...ledger.acknowledged.keys()]).toEqual(["before", "after"]);
    await expectWhole(url);
  });

  it("refuses writes and serves reads when only the engine cannot open files, and /health/ready shows it", async () => {
    const url = await start(injectable(faultFile()));
    const author = await newAuthor(url, "author");
    await publish(url, author, "before", ledger);
    await inject(faultFile(), { on: "open", path: "_fsm", what: "EMFILE", once: false });
    let attempts = 0;
    await eventually(
      "a write needs the file",
      async () => {
        await publish(url, author, `large ${attempts++}`, ledger, LARGE);
        return refused().length > 0;
      },
      PATIENCE_MS,
    );
    expect(await readiness(url)).toEqual({ status: 200, writable: false });
    for (let i = 0; i < 10; i++) await publish(url, author, `refused ${i}`, ledger);
    expect(new Set(refused().map(({ status, code }) => `${status} ${code}`))).toEqual(new Set(["503 storage_busy"]));
    for (let i = 0; i < 10; i++) expect(await statusOf(`${url}/v1/posts?limit=5`)).toBe(200);
    await rm(faultFile());
    await eventually("the server is writable", async () => (await readiness(url)).writable === true, PATIENCE_MS);
    const before = ledger.acknowledged.size;
    for (let i = 0; i < 10; i++) await publish(url, author, `after ${i}`, ledger, LARGE);
    expect(ledger.acknowledged.size).toBe(before + 10);
    expect(failures()).toEqual([]);
    await expectWhole(url);
  });

  it("exits at the start with 78 and the required number if the limit is too low", async ({ skip }) => {
    skip(skipReason !== null, skipReason ?? "");
    const { exitCode, stderr } = await runServer({ QUIRE_DATA_DIR: directory }, { openFiles: 200 });
    expect(exitCode).toBe(78);
    expect(stderr).toBe(
      "This process may have 200 files open, and Quire needs 384. Raise the limit: ulimit -n 576 in a shell, LimitNOFILE=576 for systemd, --ulimit nofile=576 for Docker.\n",
    );
  });
});
