import { execFileSync } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { runServer, startServer, type RunningServer } from "../process/server.ts";
import { copyDirectory } from "../support/plain-engine.ts";
import { copyTemplate } from "../support/test-storage.ts";
import { cuttableDisk, powerCutSkipReason, type CuttableDisk } from "./disks.ts";
import { compare, indexDamage, newAuthors, newLedger, publish, writeWith, type Ledger } from "./ledger.ts";
import { isThorough } from "../../src/contracts/thorough.ts";
import { report } from "../support/rounds.ts";

const ROUNDS = isThorough ? 10 : 1;
const DISK_MIB = 400;
const WRITING_MS = 2000;
const CLIENTS = 8;
/** The exit codes when the server finds damaged data, or when PostgreSQL does not start on it. */
const REFUSALS = [65, 74];

const skipReason = powerCutSkipReason();
vi.setConfig({ testTimeout: 120_000 + ROUNDS * 30_000 });

let disk: CuttableDisk | null = null;
let server: RunningServer | null = null;

afterEach(async () => {
  await server?.end("SIGKILL");
  server = null;
  disk?.remove();
  disk = null;
});

/** Creates a migrated, empty data directory on its own disk, and flushes it. */
async function newDataDirectory(): Promise<string> {
  disk = cuttableDisk(DISK_MIB);
  const directory = join(disk.directory, "data");
  const template = await copyTemplate();
  await copyDirectory(template, directory);
  await rm(template, { recursive: true });
  execFileSync("sync", ["--file-system", directory]);
  return directory;
}

/** Cuts the power while the server runs, kills the server, and mounts the disk again. */
async function cutPower(): Promise<void> {
  disk?.cutPower();
  await server?.end("SIGKILL");
  server = null;
  disk?.mountAgain();
}

/** Several clients write until the power is cut. */
async function cutPowerWhileWriting(url: string, ledger: Ledger, round: number): Promise<void> {
  const writing = writeWith(url, await newAuthors(url, CLIENTS, `round-${round}`), ledger);
  await delay(WRITING_MS + Math.random() * 1000);
  await cutPower();
  await writing.stop();
}

describe.skipIf(skipReason !== null)(`a power cut${skipReason === null ? "" : ` (skipped: ${skipReason})`}`, () => {
  it("loses no acknowledged write", async () => {
    const directory = await newDataDirectory();
    const ledger = newLedger();
    for (let round = 0; round < ROUNDS; round++) {
      server = await startServer(directory);
      const before = ledger.acknowledged.size;
      await cutPowerWhileWriting(server.url, ledger, round);
      expect(ledger.acknowledged.size).toBeGreaterThan(before);
      server = await startServer(directory);
      const { lost, unsent } = await compare(server.url, ledger);
      report("power cut", { acknowledged: ledger.acknowledged.size, lost: lost.length, unsent: unsent.length });
      expect({ lost, unsent }).toEqual({ lost: [], unsent: [] });
      expect((await server.end("SIGTERM")).exitCode).toBe(0);
    }
    expect(await indexDamage(directory)).toEqual([]);
  });

  it("loses acknowledged writes without fsync, which proves that this test can detect a loss", async () => {
    const directory = await newDataDirectory();
    const ledger = newLedger();
    server = await startServer(directory, { QUIRE_DURABILITY: "relaxed" });
    await cutPowerWhileWriting(server.url, ledger, 0);
    const relaxed = { QUIRE_DATA_DIR: directory, QUIRE_DURABILITY: "relaxed" };
    try {
      server = await startServer(directory, relaxed);
    } catch {
      const { exitCode } = await runServer(relaxed);
      report("power cut without fsync", { acknowledged: ledger.acknowledged.size, "refused with": exitCode ?? -1 });
      expect(REFUSALS).toContain(exitCode);
      return;
    }
    const { lost } = await compare(server.url, ledger);
    report("power cut without fsync", { acknowledged: ledger.acknowledged.size, lost: lost.length });
    expect(lost.length).toBeGreaterThan(0);
  });

  it("does not prevent a start when it comes right after the first initialisation", async () => {
    disk = cuttableDisk(DISK_MIB);
    const directory = join(disk.directory, "data");
    await mkdir(directory);
    execFileSync("sync", ["--file-system", directory]);
    server = await startServer(directory);
    await cutPower();

    server = await startServer(directory);
    const ledger = newLedger();
    const [author] = await newAuthors(server.url, 1);
    if (author === undefined) throw new Error("There is no author.");
    await publish(server.url, author, "first", ledger);
    await cutPower();
    server = await startServer(directory);
    expect(ledger.acknowledged.size).toBe(1);
    expect(await compare(server.url, ledger)).toEqual({ lost: [], unsent: [] });
  });
});
