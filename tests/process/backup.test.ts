import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { startBackupSchedule } from "../../src/bootstrap/background/backup-schedule.ts";
import type { PeriodicWork } from "../../src/bootstrap/background/periodic-work.ts";
import { recordingLog } from "../../src/testing/fixtures.ts";
import { compare, newAuthor, newLedger, publish } from "../faults/ledger.ts";
import { copyTemplate } from "../support/test-storage.ts";
import { runCli, spawnCli, startServer, type RunningServer } from "./server.ts";

/** A backup takes some seconds on a quiet machine. On a busy one its lowest priority makes it wait for the other tests. */
const BACKUPS_TIMEOUT_MS = 600_000;
const EVERY_SECOND = "* * * * * *";
const ONCE_A_YEAR = "0 0 1 1 *";

vi.setConfig({ testTimeout: BACKUPS_TIMEOUT_MS });

let directory: string;
let data: string;
let server: RunningServer | null = null;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-backup-"));
});
beforeEach(async () => {
  data = await copyTemplate();
});
afterEach(async () => {
  await server?.end("SIGKILL");
  server = null;
  await rm(data, { recursive: true });
});
afterAll(async () => rm(directory, { recursive: true }));

const backUp = async (...options: string[]) => runCli(["backup", ...options], { QUIRE_DATA_DIR: data });

describe("quire backup and quire restore", () => {
  it("back up a running server to a file, and restore it into a directory that serves the same posts", async () => {
    const [file, target] = [join(directory, "one.tar.gz"), join(directory, "restored")];
    server = await startServer(data);
    const ledger = newLedger();
    const author = await newAuthor(server.url, "ada");
    await publish(server.url, author, "Before", ledger);
    const done = await backUp("--to", file);
    expect(done).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("reading the backup back") });
    expect(done.stdout).toMatch(/^Backed up to .*one\.tar\.gz: all writes before 0\/[\dA-F]+\. Proven by a restore:\n/);
    expect(done.stdout).toMatch(/^public\.posts +1 rows {2}checksum \d+$/m);
    expect((await readdir(data)).toSorted()).not.toContain("quire.backup");

    const rehearsed = await runCli(["restore", "--from", file, "--to", target, "--dry-run"], {});
    expect(rehearsed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("Rehearsed, without a change") });
    expect(existsSync(target)).toBe(false);
    expect(await runCli(["restore", "--from", file, "--to", data], {})).toMatchObject({ exitCode: 75 });
    expect(await runCli(["restore", "--from", file, "--to", target, "--json"], {})).toMatchObject({ exitCode: 0 });
    expect(await runCli(["restore", "--from", file, "--to", target], {})).toMatchObject({ exitCode: 73 });
    await server.end("SIGTERM");
    server = await startServer(target);
    expect(await compare(server.url, ledger)).toEqual({ lost: [], unsent: [] });
    await publish(server.url, author, "After", ledger);
    expect(ledger.acknowledged.size).toBe(2);
  });

  it("leave nothing after Ctrl-C, and exit with 130", async () => {
    const backups = join(directory, "cancelled");
    const command = spawnCli(["backup", "--to", backups], { QUIRE_DATA_DIR: data });
    await new Promise((settle) => command.process.stderr.once("data", settle));
    command.process.kill("SIGINT");
    expect(await command.ended).toMatchObject({ exitCode: 130, stderr: expect.stringContaining("Cancelled.") });
    expect(existsSync(backups) ? await readdir(backups) : []).toEqual([]);
    expect(existsSync(join(data, "quire.backup"))).toBe(false);
  });

  it.skipIf(process.platform !== "linux")("run all threads of a backup at the lowest priority", async () => {
    const command = spawnCli(["backup", "--to", join(directory, "low")], { QUIRE_DATA_DIR: data });
    await new Promise((settle) => command.process.stderr.once("data", settle));
    const tasks = `/proc/${command.process.pid}/task`;
    const priorities = (await readdir(tasks)).map((thread) => {
      const status = readFileSync(join(tasks, thread, "stat"), "utf8");
      // The 19th field; the second one, in parentheses, may have spaces (Linux, proc_pid_stat(5)).
      return Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[16]);
    });
    command.process.kill("SIGINT");
    await command.ended;
    expect(priorities.length).toBeGreaterThan(5);
    expect(new Set(priorities)).toEqual(new Set([19]));
  });

  it("exit with a message that says what to do", async () => {
    expect(await backUp()).toMatchObject({
      exitCode: 64,
      stderr: expect.stringContaining("QUIRE_BACKUP_TO is not set"),
    });
    expect(await backUp("--to", "ftp://host/backups")).toMatchObject({ exitCode: 78 });
    const onServer = { DATABASE_URL: "postgres://quire:s3cret@db.example.org/quire" };
    const refused = await runCli(["backup", "--to", directory], onServer);
    expect(refused).toMatchObject({ exitCode: 64 });
    expect(refused.stderr).toContain('pg_dump --format=custom --file=quire.dump "$DATABASE_URL"');
    expect(refused.stderr).not.toContain("s3cret");
    const absent = await runCli(["backup", "--to", directory], { QUIRE_DATA_DIR: join(directory, "absent") });
    expect(absent).toMatchObject({ exitCode: 78, stderr: expect.stringContaining("no Quire database") });
    const missing = await runCli(["restore", "--from", directory, "--to", join(directory, "x")], {});
    expect(missing).toMatchObject({ exitCode: 78, stderr: expect.stringContaining("There is no backup at") });
    const noBackup = join(directory, "text.tar.gz");
    await writeFile(noBackup, "a text");
    expect(await runCli(["restore", "--from", noBackup, "--to", join(directory, "x")], {})).toMatchObject({
      exitCode: 65,
      stderr: expect.stringContaining("is not whole"),
    });
  });
});

describe("scheduled backups", () => {
  let work: PeriodicWork | null = null;
  afterEach(async () => work?.stop());

  async function schedule(to: string, pattern = EVERY_SECOND) {
    const log = recordingLog();
    work = startBackupSchedule({ schedule: pattern, to, keep: 1, directory: data, log });
    const lines = (start: string) =>
      log.lines.flatMap(({ fields, message }) =>
        message.startsWith(start) ? [fields as Record<string, unknown>] : [],
      );
    return {
      lines,
      waitFor: async (message: string, count: number) => waitUntil(() => lines(message).length >= count),
    };
  }

  async function waitUntil(isTrue: () => boolean): Promise<void> {
    await vi.waitFor(() => expect(isTrue()).toBe(true), { timeout: BACKUPS_TIMEOUT_MS / 2, interval: 50 });
  }

  it("do not overlap, keep the newest ones, and log the age of the last proven one", async () => {
    server = await startServer(data);
    const to = join(directory, "scheduled");
    const first = await schedule(to);
    await first.waitFor("no proven backup exists yet", 1);
    await first.waitFor("backup proven", 2);
    await work?.stop();
    expect(first.lines("backup failed").filter(({ exitCode }) => exitCode === 75)).toEqual([]);
    const [one, two] = first.lines("backup proven");
    expect(two).toMatchObject({ removed: [one?.["location"]], lastProvenAgeSeconds: expect.any(Number) });
    expect((await readdir(to)).length).toBeGreaterThanOrEqual(1);
    const second = await schedule(to);
    await second.waitFor("backups are scheduled", 1);
    expect(second.lines("backups are scheduled")).toMatchObject([{ lastProvenAt: expect.stringMatching(/^20/) }]);
  });

  it("count the age from the newest backup of the store if the data directory records none", async () => {
    const to = join(directory, "of-another-directory");
    await mkdir(to);
    for (const day of ["20260102", "20260103"]) await writeFile(join(to, `quire-${day}T040506Z.tar.gz`), "");
    const { lines, waitFor } = await schedule(to, ONCE_A_YEAR);
    await waitFor("", 1);
    expect(lines("")).toMatchObject([{ to, lastProvenAt: "2026-01-03T04:05:06.000Z" }]);
  });

  it("log a failure with its reason, and keep the older backups", async () => {
    const file = join(directory, "a-file");
    await writeFile(file, "");
    const { lines, waitFor } = await schedule(join(file, "backups"));
    await waitFor("backup failed", 1);
    expect(lines("backup failed")[0]).toMatchObject({
      exitCode: 74,
      detail: expect.stringContaining("ENOTDIR"),
      lastProvenAt: null,
    });
  });
});
