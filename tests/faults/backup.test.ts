import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FAULT_ROUNDS } from "../../src/contracts/thorough.ts";
import { runCli, spawnCli, startServer, type RunningServer } from "../process/server.ts";
import { momentsWithin, report } from "../support/rounds.ts";
import { copyTemplate } from "../support/test-storage.ts";
import { diskSkipReason, memoryDisk } from "./disks.ts";
import {
  allPosts,
  compare,
  discrepancies,
  indexDamage,
  newAuthors,
  newLedger,
  writeWith,
  type Ledger,
} from "./ledger.ts";
import { eventually } from "./watching.ts";

const NOTHING = { lost: [], unsent: [] };
/** A backup and a restoration on a machine that runs other tests. */
const ROUND_TIMEOUT_MS = 180_000;
/** The backup has the lowest priority, so writers without a pause would take all processors from it. */
const WRITER_PAUSE_MS = 250;
/** A backup of an almost empty database takes some seconds. */
const BACKUP_MS = 6000;

vi.setConfig({ testTimeout: FAULT_ROUNDS * ROUND_TIMEOUT_MS });

let directory: string;
let data: string;
let backups: string;
let server: RunningServer | null = null;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-backup-"));
  data = await copyTemplate();
  backups = join(directory, "backups");
  await mkdir(backups);
});

afterEach(async () => {
  await server?.end("SIGKILL");
  server = null;
  for (const each of [directory, data]) await rm(each, { recursive: true, force: true });
});

async function start(folder = data): Promise<string> {
  server = await startServer(folder);
  return server.url;
}

const environment = () => ({ QUIRE_DATA_DIR: data });
const complete = async () => (await readdir(backups)).filter((name) => name.endsWith(".tar.gz"));

/** The writes that are acknowledged at this moment. */
function snapshot(ledger: Ledger): Ledger {
  return { ...ledger, acknowledged: new Map(ledger.acknowledged) };
}

/**
 * The acknowledged posts that a copy lacks although it has a later one of the same client. A client writes one post after the
 * other, so they are before the position of the copy.
 */
function gaps(found: ReadonlyMap<string, unknown>, { acknowledged }: Ledger): readonly string[] {
  const newest = new Map<string, number>();
  const clientOf = (title: string) => title.slice(0, title.lastIndexOf("-"));
  for (const [index, title] of [...acknowledged.keys()].entries()) {
    if (found.has(title)) newest.set(clientOf(title), index);
  }
  return [...acknowledged.keys()].filter(
    (title, index) => !found.has(title) && index < (newest.get(clientOf(title)) ?? 0),
  );
}

/** Restores the newest backup, serves it, and compares it with the writes before it, and with all that were sent. */
async function expectWhole(earlier: Ledger, all: Ledger): Promise<void> {
  const restored = join(directory, "restored");
  const done = await runCli(["restore", "--from", backups, "--to", restored], {});
  expect(done).toMatchObject({ exitCode: 0 });
  const copy = await startServer(restored);
  const found = await allPosts(copy.url);
  await copy.end("SIGTERM");
  const { lost } = discrepancies(found, earlier);
  const { unsent } = discrepancies(found, all);
  expect({ lost, unsent, gaps: gaps(found, all) }).toEqual({ ...NOTHING, gaps: [] });
  expect(await indexDamage(restored)).toEqual([]);
  await rm(restored, { recursive: true });
}

describe("a backup of a server that is written to", () => {
  it(`has every write that was acknowledged before it, ${FAULT_ROUNDS} times`, async () => {
    const ledger = newLedger();
    const url = await start();
    const authors = await newAuthors(url, 4);
    for (let round = 0; round < FAULT_ROUNDS; round++) {
      const before = ledger.acknowledged.size;
      const writing = writeWith(url, authors, ledger, 1000, WRITER_PAUSE_MS);
      await eventually("a write of each client", () => ledger.acknowledged.size > before + authors.length);
      const earlier = snapshot(ledger);
      const done = await runCli(["backup", "--to", backups, "--keep", "1", "--json"], environment());
      expect(done).toMatchObject({ exitCode: 0 });
      // They would take the processors from the restoration, and every round would have more to restore.
      await writing.stop();
      const during = ledger.acknowledged.size - earlier.acknowledged.size;
      expect(during).toBeGreaterThan(0);
      expect(await complete()).toHaveLength(1);
      await expectWhole(earlier, ledger);
      report("backup under load", { "acknowledged before": earlier.acknowledged.size, "during the backup": during });
    }
    expect(ledger.refused.size).toBe(0);
    expect(await compare(url, ledger)).toEqual(NOTHING);
  });

  it(`never looks whole when its command is killed at any moment, ${FAULT_ROUNDS} times`, async () => {
    const ledger = newLedger();
    const url = await start();
    const writing = writeWith(url, await newAuthors(url, 2), ledger, 500, WRITER_PAUSE_MS);
    for (const moment of momentsWithin(BACKUP_MS, FAULT_ROUNDS)) {
      const command = spawnCli(["backup", "--to", backups], environment());
      await delay(moment);
      command.process.kill("SIGKILL");
      const { exitCode } = await command.ended;
      const found = await complete();
      // The command may have ended before its kill.
      expect(found).toHaveLength(exitCode === 0 ? 1 : 0);
      for (const name of found) await rm(join(backups, name));
    }
    const earlier = snapshot(ledger);
    expect(await runCli(["backup", "--to", backups], environment())).toMatchObject({ exitCode: 0 });
    await writing.stop();
    expect(existsSync(join(data, "quire.backup"))).toBe(false);
    await expectWhole(earlier, ledger);
  });

  it(`loses nothing when the server is killed during the backup, ${FAULT_ROUNDS} times`, async () => {
    const ledger = newLedger();
    let url = await start();
    const authors = await newAuthors(url, 4);
    for (const moment of momentsWithin(BACKUP_MS / 2, FAULT_ROUNDS)) {
      const writing = writeWith(url, authors, ledger, 500, WRITER_PAUSE_MS);
      const command = spawnCli(["backup", "--to", backups], environment());
      await delay(moment);
      await server?.end("SIGKILL");
      await writing.stop();
      const { exitCode } = await command.ended;
      // It had copied the files already, or failed, or found a stopped server before it began.
      expect([0, 65, 74, 75]).toContain(exitCode);
      expect(await complete()).toHaveLength(exitCode === 0 ? 1 : 0);
      if (exitCode === 0) await expectWhole(newLedger(), ledger);
      for (const name of await complete()) await rm(join(backups, name));
      url = await start();
      expect(await compare(url, ledger)).toEqual(NOTHING);
    }
  });

  it("leaves nothing on a disk that becomes full, and the server continues", async ({ skip }) => {
    const reason = diskSkipReason();
    skip(reason !== null, reason ?? "");
    const disk = memoryDisk(2);
    try {
      const url = await start();
      const ledger = newLedger();
      const writing = writeWith(url, await newAuthors(url, 2), ledger, 500, WRITER_PAUSE_MS);
      const { exitCode, stderr } = await runCli(["backup", "--to", disk.directory], environment());
      await writing.stop();
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 74, stderr: expect.stringContaining("ENOSPC") });
      expect(await readdir(disk.directory)).toEqual([]);
      expect(ledger.refused.size).toBe(0);
      expect(await compare(url, ledger)).toEqual(NOTHING);
    } finally {
      disk.remove();
    }
  });
});
