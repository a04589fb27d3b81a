import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import {
  appendFile,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { backUp, type BackupOptions } from "../../src/infrastructure/pglite/backup/back-up.ts";
import { serveBackups } from "../../src/infrastructure/pglite/backup/backup-server.ts";
import { copyCluster } from "../../src/infrastructure/pglite/backup/cluster-copy.ts";
import { fileStore } from "../../src/infrastructure/pglite/backup/file-store.ts";
import { readProven } from "../../src/infrastructure/pglite/backup/proven-record.ts";
import { restore, type RestoreOptions } from "../../src/infrastructure/pglite/backup/restore.ts";
import { openScratch } from "../../src/infrastructure/pglite/backup/scratch-directory.ts";
import { stoppedSource } from "../../src/infrastructure/pglite/backup/stopped-source.ts";
import { lockDataDirectory } from "../../src/infrastructure/pglite/directory/lock.ts";
import { openEmbeddedDatabase, type EmbeddedDatabase } from "../../src/infrastructure/pglite/embedded-database.ts";
import { migratedStorage } from "../../src/infrastructure/pglite/storage.ts";
import { addMigration, copyMigrations, FUTURE } from "../support/migrations-folder.ts";
import { copyTemplate, embeddedDefaults } from "../support/test-storage.ts";

const PATIENCE_MS = 20_000;
const NAME = "one.tar.gz";
const { signal: never } = new AbortController();

let directory = "";
let data: string;
let opened: EmbeddedDatabase[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-backup-"));
  data = await copyTemplate();
  opened = [];
});
afterEach(async () => {
  for (const database of opened) await database.close();
  for (const each of [directory, data]) await rm(each, { recursive: true, force: true });
});

async function open(folder: string): Promise<EmbeddedDatabase> {
  const database = (await openEmbeddedDatabase({ ...embeddedDefaults, directory: folder }))._unsafeUnwrap();
  opened.push(database);
  return database;
}

/** Opens the data directory and answers requests for backups. */
async function serve(folder = data) {
  const database = await open(folder);
  const { beginBackup } = database;
  const server = await serveBackups({ directory: folder, beginBackup, log: embeddedDefaults.log });
  return { ...database, stop: async () => server.close() };
}

const backupsIn = () => join(directory, "backups");

async function backUpData(options: Partial<BackupOptions> = {}) {
  return backUp({
    directory: data,
    store: fileStore(backupsIn()),
    name: NAME,
    program: "0.1.0",
    createdAt: new Date("2026-11-30T03:30:00Z"),
    freeSpaceBytes: 0,
    signal: never,
    onProgress: () => {},
    ...options,
  });
}

async function restoreTo(target: string, options: Partial<RestoreOptions> = {}) {
  const { freeSpaceBytes, statementDeadlineMs, log } = embeddedDefaults;
  return restore({
    store: fileStore(backupsIn()),
    name: NAME,
    directory: target,
    isRehearsal: false,
    migrations: MIGRATIONS_FOLDER,
    freeSpaceBytes,
    statementDeadlineMs,
    log,
    signal: never,
    onProgress: () => {},
    ...options,
  });
}

/** The files in a folder that this process has open, with those that are deleted. Only Linux lists them. */
function openFilesIn(folder: string): readonly string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc/self/fd").flatMap((descriptor) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`);
      return path.startsWith(`${folder}/`) ? [path] : [];
    } catch {
      // The descriptor of this listing is closed.
      return [];
    }
  });
}

const insertUser = (name: string) =>
  `insert into users (id, name, email, email_key, password_hash, role, version, created_at, updated_at)
   values (gen_random_uuid(), '${name}', '${name}@x', '${name}@x', 'none', 'author', 1, now(), now())`;

async function userNames(folder: string): Promise<unknown[]> {
  const { client } = await open(folder);
  return (await client.query<{ name: string }>("select name from users order by name")).rows.map(({ name }) => name);
}

describe("a backup of a running database", () => {
  it("has every write that was acknowledged before it, and restores to a directory that opens cleanly", async () => {
    const server = await serve();
    await server.client.query(insertUser("ada"));
    expect(await readProven(data)).toBeNull();
    const manifest = (await backUpData())._unsafeUnwrap();
    expect(await readProven(data)).toEqual(new Date("2026-11-30T03:30:00Z"));
    await server.client.query(insertUser("grace"));
    await server.stop();
    expect(manifest.tables).toContainEqual(expect.objectContaining({ table: "public.users", rows: 1 }));
    expect(manifest).toMatchObject({ format: 1, program: "0.1.0", postgresql: 18, lsn: expect.stringMatching(/^0\//) });
    expect(await readdir(backupsIn())).toEqual([NAME]);

    const target = join(directory, "new");
    expect((await restoreTo(target))._unsafeUnwrap()).toEqual(manifest);
    expect((await readdir(target)).toSorted()).toEqual(["cluster", "quire.json", "quire.lock"]);
    expect(await userNames(target)).toEqual(["ada"]);
  });

  it("runs alone on a database, and another one begins after its end", async () => {
    const { client, beginBackup } = await serve();
    const backup = (await beginBackup())._unsafeUnwrap();
    expect((await beginBackup())._unsafeUnwrapErr().reason).toBe("busy");
    await client.query(insertUser("ada"));
    const position = (await backup.finish())._unsafeUnwrap();
    expect(position > 0n).toBe(true);
    expect(backup.end().isOk()).toBe(true);
    backup.release();
    (await beginBackup())._unsafeUnwrap().release();
  });

  it("fails when a change of the schema needs a checkpoint during the copy", async () => {
    const { beginBackup, changeSchema } = await serve();
    const backup = (await beginBackup())._unsafeUnwrap();
    await changeSchema(async () => {});
    const failure = (await backup.finish())._unsafeUnwrapErr();
    expect(failure).toMatchObject({ kind: "base_backup_refused", reason: "failed" });
    expect(failure.detail).toContain("a checkpoint was necessary");
  });

  it("answers on a socket that only the owner may open, also when the path of the directory is longer than a socket's", async () => {
    const long = join(directory, "long-".repeat(30), "data");
    await mkdir(join(long, ".."), { recursive: true });
    await rename(data, long);
    data = long;
    await serve(long);
    const { mode } = await stat(join(long, "quire.socket"));
    expect((mode & 0o777).toString(8)).toBe("600");
    expect((await backUpData({ directory: long })).isOk()).toBe(true);
  });

  it("releases the log when the process that asked for the backup has disappeared", async () => {
    const { beginBackup } = await serve();
    const socket = connect(join(data, "quire.socket"));
    socket.write('{"request":"begin"}\n');
    await new Promise((settle) => socket.once("data", settle));
    expect((await beginBackup())._unsafeUnwrapErr().reason).toBe("busy");
    socket.destroy();
    await vi.waitFor(async () => (await beginBackup())._unsafeUnwrap().release(), PATIENCE_MS);
  });

  it("is refused while another backup of the directory runs", async () => {
    await serve();
    const [first, second] = await Promise.all([backUpData(), backUpData({ name: "two.tar.gz" })]);
    expect([first, second].filter((each) => each.isOk())).toHaveLength(1);
    const failure = first.isErr() ? first.error : second._unsafeUnwrapErr();
    expect(failure).toMatchObject({ kind: "backup_source_failed", reason: "busy" });
  });
});

describe("a backup of a stopped directory", () => {
  it.each(["a clean", "an unclean"])("has every write of a directory after %s shutdown", async (shutdown) => {
    const database = await open(data);
    await database.client.query(insertUser("ada"));
    if (shutdown === "an unclean") {
      // The files of an engine that has written and not shut down are those of a killed process.
      const killed = `${data}-killed`;
      await cp(data, killed, { recursive: true });
      await database.close();
      await rm(data, { recursive: true });
      await rename(killed, data);
    } else await database.close();
    opened = [];
    expect((await backUpData()).isOk()).toBe(true);
    expect((await readdir(data)).some((name) => name.startsWith("quire.backup"))).toBe(false);
    const target = join(directory, "new");
    expect((await restoreTo(target)).isOk()).toBe(true);
    expect(await userNames(target)).toEqual(["ada"]);
  });

  it("succeeds without the file of a table that is dropped during the copy", async () => {
    const folder = join("cluster", "base", "1");
    const tables = [join(folder, "900001"), join(folder, "900002")];
    for (const table of tables) await writeFile(join(data, table), "a page");
    const source = (await stoppedSource(data, lockDataDirectory(data)._unsafeUnwrap()))._unsafeUnwrap();
    const to = join(directory, "copy");
    await mkdir(to);
    const isCopied = (table: string) => existsSync(join(to, table));
    // The folder has been listed when its first table is copied.
    const dropOther = () => {
      if (!tables.some(isCopied)) return;
      for (const table of tables) if (!isCopied(table)) rmSync(join(data, table), { force: true });
    };
    const copied = await copyCluster({ source, from: data, to, signal: never, onCopied: dropOther });
    source.release();
    expect(copied.isOk()).toBe(true);
    expect(tables.filter(isCopied)).toHaveLength(1);
  });

  it("is refused for a damaged directory", async () => {
    await writeFile(join(data, "cluster", "global", "pg_control"), "broken");
    expect((await backUpData())._unsafeUnwrapErr()).toMatchObject({ kind: "data_directory_damaged" });
    expect(existsSync(backupsIn())).toBe(false);
  });

  it("fails before it copies anything when its store cannot be written", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    const steps: string[] = [];
    const store = fileStore(join(file, "backups"));
    const failure = (await backUpData({ store, onProgress: ({ step }) => steps.push(step) }))._unsafeUnwrapErr();
    expect(failure).toMatchObject({ kind: "backup_interrupted", isCancelled: false, cause: { code: "ENOTDIR" } });
    expect(steps).toEqual([]);
    expect(await readdir(data)).not.toContain("quire.backup");
  });

  it("leaves nothing when it is cancelled at any step", async () => {
    for (const step of ["copy", "check", "write", "read"]) {
      const controller = new AbortController();
      const onProgress = (progress: { readonly step: string }) => {
        if (progress.step === step) controller.abort();
      };
      const failure = (await backUpData({ signal: controller.signal, onProgress }))._unsafeUnwrapErr();
      expect(failure).toMatchObject({ kind: "backup_interrupted", isCancelled: true });
      expect(existsSync(backupsIn()) ? await readdir(backupsIn()) : []).toEqual([]);
      expect(await readdir(data)).not.toContain("quire.backup");
    }
    expect(await readProven(data)).toBeNull();
  });

  it("is removed when the bytes that are read back differ from those that were written", async () => {
    const store = fileStore(backupsIn());
    const failure = await backUpData({
      store: {
        ...store,
        readUnproven: async (name) => {
          const path = join(backupsIn(), `${name}.partial`);
          const bytes = await readFile(path);
          const middle = bytes.length >> 1;
          bytes[middle] = (bytes[middle] ?? 0) ^ 1;
          await writeFile(path, bytes);
          return store.readUnproven(name);
        },
      },
    });
    expect(failure._unsafeUnwrapErr()).toMatchObject({ kind: "backup_not_proven", cause: { kind: "archive_damaged" } });
    expect(await readdir(backupsIn())).toEqual([]);
  });
});

// Linux does not let a program be shortened while it runs, whoever tries.
describe.runIf(process.platform === "linux")("a scratch directory that cannot be cleared", () => {
  it("is unlocked again, and does not keep the server from serving backups", async () => {
    const scratch = join(directory, "quire.backup");
    await mkdir(scratch);
    const program = join(scratch, "program");
    await copyFile(process.execPath, program);
    const running = spawn(program, ["--eval", "console.log('running'); setInterval(() => {}, 1000)"]);
    await once(running.stdout, "data");
    await expect(openScratch(scratch)).rejects.toMatchObject({ code: "ETXTBSY" });
    const server = await serveBackups({
      directory,
      beginBackup: async () => Promise.reject(new Error("No backup is requested.")),
      log: embeddedDefaults.log,
    });
    expect(existsSync(join(directory, "quire.socket"))).toBe(true);
    await server.close();
    running.kill("SIGKILL");
    await once(running, "exit");
    await (await openScratch(scratch))._unsafeUnwrap().remove();
    expect(existsSync(scratch)).toBe(false);
  });
});

describe("a restoration", () => {
  let shared: string;
  beforeAll(async () => {
    shared = await mkdtemp(join(tmpdir(), "quire-backup-"));
    const template = await copyTemplate();
    (await backUpData({ directory: template, store: fileStore(shared) }))._unsafeUnwrap();
    await rm(template, { recursive: true });
  });
  beforeEach(async () => {
    await mkdir(backupsIn());
    await cp(join(shared, NAME), join(backupsIn(), NAME));
  });
  afterAll(async () => rm(shared, { recursive: true }));

  it("is refused for a directory that is in use or not empty, and changes nothing in it", async () => {
    const foreign = join(directory, "foreign");
    await mkdir(foreign);
    await writeFile(join(foreign, "notes.txt"), "mine");
    expect((await restoreTo(foreign))._unsafeUnwrapErr()).toMatchObject({
      kind: "restore_target_not_empty",
      found: ["notes.txt"],
    });
    expect((await restoreTo(data))._unsafeUnwrapErr().kind).toBe("restore_target_not_empty");
    await open(data);
    expect((await restoreTo(data))._unsafeUnwrapErr().kind).toBe("data_directory_in_use");
    expect(await readdir(foreign)).toEqual(["notes.txt"]);
  });

  it("leaves no directory after a rehearsal or a damaged backup, and an empty one stays empty", async () => {
    const [absent, empty] = [join(directory, "absent"), join(directory, "empty")];
    await mkdir(empty);
    for (const target of [absent, empty]) expect((await restoreTo(target, { isRehearsal: true })).isOk()).toBe(true);
    const path = join(backupsIn(), NAME);
    await writeFile(path, (await readFile(path)).subarray(0, -1));
    for (const target of [absent, empty]) {
      expect((await restoreTo(target))._unsafeUnwrapErr()).toMatchObject({ kind: "backup_damaged" });
    }
    expect(existsSync(absent)).toBe(false);
    expect(await readdir(empty)).toEqual([]);
  });

  it("continues after one that was killed, whose directory no server takes for a new one", async () => {
    const target = join(directory, "new");
    await mkdir(join(target, "quire.restore", "cluster"), { recursive: true });
    const started = await openEmbeddedDatabase({ ...embeddedDefaults, directory: target });
    expect(started._unsafeUnwrapErr()).toMatchObject({ kind: "data_directory_foreign", found: ["quire.restore"] });
    expect((await restoreTo(target)).isOk()).toBe(true);
    expect(await userNames(target)).toEqual([]);
  });

  it("leaves no file open and no directory when the migrations contradict those of the backup", async () => {
    const changed = await copyMigrations();
    const [first = ""] = (await readdir(changed)).filter((name) => name.endsWith(".sql")).toSorted();
    await appendFile(join(changed, first), "-- changed");
    const target = join(directory, "new");
    const refused = await restoreTo(target, { migrations: changed });
    expect(refused._unsafeUnwrapErr()).toMatchObject({ kind: "migration_drift", drift: "changed" });
    expect(existsSync(target)).toBe(false);
    expect(openFilesIn(target)).toEqual([]);
    await rm(changed, { recursive: true });
  });

  it("leaves no file open and no directory when a migration fails", async () => {
    const broken = await copyMigrations();
    await addMigration(broken, "9999_broken", FUTURE, "select 1 / 0");
    const target = join(directory, "new");
    const failed = await restoreTo(target, { migrations: broken });
    expect(failed._unsafeUnwrapErr()).toMatchObject({ kind: "restore_interrupted", isCancelled: false });
    expect(existsSync(target)).toBe(false);
    expect(openFilesIn(target)).toEqual([]);
    await rm(broken, { recursive: true });
  });

  it("migrates an older schema, and refuses a newer one with the version that it needs", async () => {
    const database = await open(data);
    const newer = await copyMigrations();
    await addMigration(newer, "9999_newer", FUTURE, "create table newer (id int)");
    const { client, changeSchema } = database;
    (await migratedStorage(client, newer, { changeSchema }))._unsafeUnwrap();
    await database.close();
    opened = [];
    (await backUpData({ program: "9.9.9" }))._unsafeUnwrap();
    expect((await restoreTo(join(directory, "old-program")))._unsafeUnwrapErr()).toMatchObject({
      kind: "backup_too_new",
      program: "9.9.9",
    });
    await addMigration(newer, "9999_newest", FUTURE + 1, "create table newest (id int)");
    const target = join(directory, "new-program");
    expect((await restoreTo(target, { migrations: newer })).isOk()).toBe(true);
    const { rows } = await (await open(target)).client.query("select to_regclass('newest')::text as name");
    expect(rows).toEqual([{ name: "newest" }]);
    await rm(newer, { recursive: true });
  });
});
