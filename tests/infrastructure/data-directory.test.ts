import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { hostname, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { PGlite } from "@electric-sql/pglite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { prepareCluster } from "../../src/infrastructure/pglite/directory/cluster.ts";
import { FORMAT, POSTGRESQL_MAJOR } from "../../src/infrastructure/pglite/directory/format.ts";
import { FORMAT_FILE, INDEX_CHECK_DUE_FILE, LOCK_FILE } from "../../src/infrastructure/pglite/directory/layout.ts";
import { lockDataDirectory } from "../../src/infrastructure/pglite/directory/lock.ts";
import { EngineNodeFs } from "../../src/infrastructure/pglite/engine/node-fs.ts";
import { SCHEMA_SETTINGS, SCHEMA_EXTENSIONS } from "../support/quire-engine.ts";
import { openPgliteStorage } from "../../src/infrastructure/pglite/storage.ts";
import { startParameters } from "../../src/infrastructure/pglite/engine/start-parameters.ts";
import { embeddedDefaults } from "../support/test-storage.ts";
import { aDraft, aUser, EVERY_DRAFT, name, recordingLog } from "../../src/testing/fixtures.ts";

const ENTRIES = ["cluster", "quire.acknowledged", "quire.files.json", FORMAT_FILE, LOCK_FILE, "quire.reserve"];

let temporary: string;
let directory: string;
/** A data directory with a migrated cluster. Tests copy it, because an initialisation takes seconds. */
let prepared: string;
/** The renamed paths during its initialisation, the files in them that were not flushed before, and the flushed inodes. */
let preparation: { readonly renamed: string[]; readonly unflushed: string[]; readonly flushed: ReadonlySet<number> };

/** The inodes that were flushed to disk, and a callback before each rename. */
interface Watch {
  readonly flushed: Set<number>;
  onRename: (from: string) => void;
}

const original = { fdatasyncSync: fs.fdatasyncSync, fsyncSync: fs.fsyncSync, renameSync: fs.renameSync };
const originalRename = fs.promises.rename;

/** Observes flushes and renames while `task` runs. */
async function watching<T>(task: (watch: Watch) => Promise<T>): Promise<T> {
  const watch: Watch = { flushed: new Set(), onRename: () => {} };
  for (const flush of ["fdatasyncSync", "fsyncSync"] as const) {
    fs[flush] = (descriptor) => {
      original[flush](descriptor);
      watch.flushed.add(fs.fstatSync(descriptor).ino);
    };
  }
  fs.renameSync = (from, to) => {
    watch.onRename(String(from));
    original.renameSync(from, to);
  };
  fs.promises.rename = async (from, to) => {
    watch.onRename(String(from));
    await originalRename(from, to);
  };
  const handle = await fs.promises.open(tmpdir(), "r");
  const handles = Object.getPrototypeOf(handle) as Pick<fs.promises.FileHandle, "sync">;
  await handle.close();
  const originalSync = handles.sync;
  handles.sync = async function sync(this: fs.promises.FileHandle) {
    await originalSync.call(this);
    watch.flushed.add((await this.stat()).ino);
  };
  syncBuiltinESMExports();
  try {
    return await task(watch);
  } finally {
    Object.assign(fs, original);
    fs.promises.rename = originalRename;
    handles.sync = originalSync;
    syncBuiltinESMExports();
  }
}

/** Returns the paths at and below `root` that were not flushed. */
function neverFlushed(root: string, flushed: ReadonlySet<number>): string[] {
  const entries = fs.statSync(root).isDirectory() ? fs.readdirSync(root, { recursive: true }) : [];
  return [root, ...entries.map((entry) => join(root, String(entry)))].filter(
    (path) => !flushed.has(fs.statSync(path).ino),
  );
}

const open = async (migrations = MIGRATIONS_FOLDER) =>
  openPgliteStorage({ ...embeddedDefaults, directory, migrations });

/** Every path in a directory with its mode, modification time and contents. */
async function contentsOf(root: string): Promise<Record<string, string>> {
  const contents: Record<string, string> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mtimeMs, mode } = await stat(path);
    contents[path] = entry.isDirectory()
      ? `${mode}`
      : `${mode} ${mtimeMs} ${(await readFile(path)).toString("base64")}`;
  }
  return contents;
}

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), "quire-data-"));
  prepared = join(temporary, "with", "parents");
  preparation = await watching(async (watch) => {
    const [renamed, unflushed]: [string[], string[]] = [[], []];
    watch.onRename = (from) => {
      if (!from.endsWith(".unfinished")) return;
      renamed.push(basename(from));
      unflushed.push(...neverFlushed(from, watch.flushed));
    };
    const storage = (
      await openPgliteStorage({ ...embeddedDefaults, directory: prepared, migrations: MIGRATIONS_FOLDER })
    )._unsafeUnwrap();
    await storage.close();
    return { renamed, unflushed, flushed: watch.flushed };
  });
});
beforeEach(async () => {
  directory = await mkdtemp(join(temporary, "directory-"));
});
afterEach(async () => rm(directory, { recursive: true, force: true }));
afterAll(async () => rm(temporary, { recursive: true, force: true }));

/** Copies the prepared directory with `cp`, which takes a tenth of the time of `fs.cp`. */
const copyPrepared = async () => promisify(execFile)("cp", ["-R", `${prepared}/.`, directory]);

/** Makes the skeleton of a used data directory. It suffices for errors that occur before the cluster is opened. */
async function sketchUsed(): Promise<void> {
  await mkdir(join(directory, "cluster", "base"), { recursive: true });
  await writeFile(join(directory, "cluster", "PG_VERSION"), `${POSTGRESQL_MAJOR}\n`);
  await writeFile(join(directory, "cluster", "base", "16384"), "rows");
  await writeFile(join(directory, FORMAT_FILE), JSON.stringify({ format: FORMAT, postgresql: POSTGRESQL_MAJOR }));
}

const entriesOf = async (path: string) => (await readdir(path)).toSorted((a, b) => a.localeCompare(b));
const marker = async () => JSON.parse(await readFile(join(directory, FORMAT_FILE), "utf8")) as unknown;

/** Returns the error of an open, and checks that the open changed only the lock file. */
async function refusalOf() {
  const before = await contentsOf(directory);
  const refusal = (await open())._unsafeUnwrapErr();
  const after = await contentsOf(directory);
  for (const contents of [before, after]) delete contents[join(directory, LOCK_FILE)];
  expect(after).toEqual(before);
  return refusal;
}

const lock = () => lockDataDirectory(directory);

describe("a new data directory", () => {
  it("is created with its parents, is private, and contains a cluster, a marker and a lock", async () => {
    expect(await entriesOf(prepared)).toEqual(ENTRIES);
    expect((await stat(prepared)).mode & 0o077).toBe(0);
  });

  it("is flushed to disk before each of its parts is renamed, and after that", () => {
    expect(preparation.renamed).toEqual(["cluster.unfinished", "quire.json.unfinished", "quire.reserve.unfinished"]);
    expect(preparation.unflushed).toEqual([]);
    expect(preparation.flushed).toContain(fs.statSync(prepared).ino);
  });

  it("has a marker with its format and its major version of PostgreSQL", async () => {
    await copyPrepared();
    expect(await marker()).toEqual({ format: FORMAT, postgresql: POSTGRESQL_MAJOR });
    expect((await readFile(join(directory, "cluster", "PG_VERSION"), "utf8")).trim()).toBe(String(POSTGRESQL_MAJOR));
  });

  it("replaces the remains of an interrupted initialisation", async () => {
    const unfinished = join(directory, "cluster.unfinished");
    await mkdir(join(unfinished, "base"), { recursive: true });
    await writeFile(join(unfinished, "PG_VERSION"), "18\n");
    await writeFile(join(unfinished, "left-over"), "half a file");
    const storage = (await open())._unsafeUnwrap();
    expect((await storage.users.insert(aUser())).isOk()).toBe(true);
    await storage.close();
    expect(await entriesOf(directory)).toEqual(ENTRIES);
    expect(await readdir(join(directory, "cluster"))).not.toContain("left-over");
  });
});

describe("an unusable data directory", () => {
  it("is rejected with the names of foreign files, and stays unchanged", async () => {
    await mkdir(join(directory, "photos"));
    await writeFile(join(directory, "notes.txt"), "mine");
    const before = await contentsOf(directory);
    const refusal = (await open())._unsafeUnwrapErr();
    expect(refusal).toEqual({ kind: "data_directory_foreign", directory, found: ["notes.txt", "photos"] });
    expect(await contentsOf(directory)).toEqual(before);
  });

  it("is rejected when it contains foreign files and an interrupted initialisation", async () => {
    await mkdir(join(directory, "cluster.unfinished"));
    await writeFile(join(directory, "notes.txt"), "mine");
    expect(await refusalOf()).toEqual({ kind: "data_directory_foreign", directory, found: ["notes.txt"] });
  });

  it("is rejected without a change when PG_VERSION is missing", async () => {
    await sketchUsed();
    await rm(join(directory, "cluster", "PG_VERSION"));
    const missing = join("cluster", "PG_VERSION");
    expect(await refusalOf()).toEqual({
      kind: "data_directory_damaged",
      directory,
      damage: { kind: "missing", path: missing },
    });
  });

  it("is rejected without a new cluster when its cluster is missing", async () => {
    await sketchUsed();
    await rm(join(directory, "cluster"), { recursive: true });
    const missing = join("cluster", "PG_VERSION");
    expect(await refusalOf()).toEqual({
      kind: "data_directory_damaged",
      directory,
      damage: { kind: "missing", path: missing },
    });
  });

  it("is rejected when its marker and PG_VERSION are missing", async () => {
    await sketchUsed();
    await rm(join(directory, "cluster", "PG_VERSION"));
    await rm(join(directory, FORMAT_FILE));
    expect(await refusalOf()).toEqual({
      kind: "data_directory_damaged",
      directory,
      damage: { kind: "missing", path: FORMAT_FILE },
    });
  });

  it.runIf(fs.existsSync("/dev/full"))("is unlocked when the name of its holder cannot be written", async () => {
    await symlink("/dev/full", join(directory, LOCK_FILE));
    for (let attempt = 0; attempt < 2; attempt++)
      expect((await open())._unsafeUnwrapErr()).toMatchObject({
        kind: "data_directory_unusable",
        cause: { code: "ENOSPC" },
      });
  });

  it("has no engine left when the start fails after the recovery", async () => {
    await copyPrepared();
    // A directory at the place of the marker: it is due, and it cannot be removed.
    await mkdir(join(directory, INDEX_CHECK_DUE_FILE));
    const before = process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;
    expect((await open())._unsafeUnwrapErr()).toMatchObject({ kind: "data_directory_unusable" });
    expect(process.getActiveResourcesInfo().filter((name) => name === "MessagePort")).toHaveLength(before);
  });

  it("is unlocked after it is rejected", async () => {
    await sketchUsed();
    await rm(join(directory, "cluster", "PG_VERSION"));
    expect(await refusalOf()).toMatchObject({ kind: "data_directory_damaged" });
    lockDataDirectory(directory)._unsafeUnwrap().release();
  });

  it.each([
    ["empty", ""],
    ["truncated", '{"format":1'],
    ["with other fields", '{"version":1}'],
  ])("is rejected with a marker that is %s", async (_, text) => {
    await sketchUsed();
    await writeFile(join(directory, FORMAT_FILE), text);
    expect(await refusalOf()).toEqual({
      kind: "data_directory_damaged",
      directory,
      damage: { kind: "unreadable", path: FORMAT_FILE },
    });
  });

  it("is rejected when its marker is missing and its cluster has another version of PostgreSQL", async () => {
    await sketchUsed();
    await rm(join(directory, FORMAT_FILE));
    await writeFile(join(directory, "cluster", "PG_VERSION"), "17\n");
    const versions = { format: FORMAT, postgresql: 17 };
    expect(await refusalOf()).toEqual({ kind: "data_directory_incompatible", directory, ...versions });
  });

  it("is rejected when its marker and its cluster have different versions of PostgreSQL", async () => {
    await sketchUsed();
    await writeFile(join(directory, "cluster", "PG_VERSION"), "19\n");
    const versions = { format: FORMAT, postgresql: 19 };
    expect(await refusalOf()).toEqual({ kind: "data_directory_incompatible", directory, ...versions });
  });

  it.each([
    ["a later format", FORMAT + 1, POSTGRESQL_MAJOR],
    ["an earlier format", FORMAT - 1, POSTGRESQL_MAJOR],
    ["another version of PostgreSQL", FORMAT, POSTGRESQL_MAJOR - 1],
  ])("is rejected when its marker has %s", async (_, format, postgresql) => {
    await sketchUsed();
    await writeFile(join(directory, FORMAT_FILE), JSON.stringify({ format, postgresql }));
    expect(await refusalOf()).toEqual({ kind: "data_directory_incompatible", directory, format, postgresql });
  });
});

describe("a used data directory", () => {
  it("keeps every row after a close and a reopen", async () => {
    await copyPrepared();
    const user = aUser({ name: name("Ada 漢字") });
    const post = aDraft(user.id);
    const first = (await open())._unsafeUnwrap();
    (await first.users.insert(user))._unsafeUnwrap();
    (await first.posts.insert(post))._unsafeUnwrap();
    await first.close();
    const second = (await open())._unsafeUnwrap();
    expect((await second.users.findById(user.id))._unsafeUnwrap()).toStrictEqual(user);
    expect((await second.posts.findById(post.id, EVERY_DRAFT))._unsafeUnwrap()).toStrictEqual(post);
    await second.close();
  });

  it("is opened with its rows and gets a new marker when only its marker is missing", async () => {
    await copyPrepared();
    const user = aUser();
    const first = (await open())._unsafeUnwrap();
    (await first.users.insert(user))._unsafeUnwrap();
    await first.close();
    await rm(join(directory, FORMAT_FILE));
    // The remains of an interrupted write of the marker.
    await writeFile(join(directory, `${FORMAT_FILE}.unfinished`), "{");
    const second = (await open())._unsafeUnwrap();
    expect((await second.users.findById(user.id))._unsafeUnwrap()).toStrictEqual(user);
    await second.close();
    expect(await marker()).toEqual({ format: FORMAT, postgresql: POSTGRESQL_MAJOR });
  });

  it("rejects a second open with the holder of the lock, and can be opened after the first is closed", async () => {
    await copyPrepared();
    const first = (await open())._unsafeUnwrap();
    const holder = { pid: process.pid, host: hostname(), since: expect.any(String) as string };
    expect((await open())._unsafeUnwrapErr()).toEqual({ kind: "data_directory_in_use", directory, holder });
    await first.close();
    const second = (await open())._unsafeUnwrap();
    await second.close();
  });

  it("is unlocked when its migrations cannot be read", async () => {
    await copyPrepared();
    const missing = join(directory, "missing");
    expect((await open(missing))._unsafeUnwrapErr()).toMatchObject({ kind: "migrations_unreadable", folder: missing });
    lockDataDirectory(directory)._unsafeUnwrap().release();
  });

  it("is unlocked and its engine is closed when a migration fails", async () => {
    await copyPrepared();
    const running = join(directory, "cluster", "postmaster.pid");
    const migrations = join(directory, "..", "broken-migrations");
    await cp(MIGRATIONS_FOLDER, migrations, { recursive: true });
    const path = join(migrations, "meta", "_journal.json");
    const journal = JSON.parse(await readFile(path, "utf8")) as { entries: object[] };
    journal.entries.push({ idx: 99, version: "7", when: 4_000_000_000_000, tag: "9999_broken", breakpoints: true });
    await writeFile(path, JSON.stringify(journal));
    await writeFile(join(migrations, "9999_broken.sql"), "select nowhere;");
    expect((await open(migrations))._unsafeUnwrapErr()).toMatchObject({ kind: "data_directory_unusable", directory });
    expect(fs.existsSync(running)).toBe(false);
    lockDataDirectory(directory)._unsafeUnwrap().release();
  });

  it("is reported as unusable when a file has its path", async () => {
    await writeFile(join(directory, "file"), "");
    const below = join(directory, "file", "data");
    const result = await openPgliteStorage({ ...embeddedDefaults, directory: below, migrations: MIGRATIONS_FOLDER });
    expect(result._unsafeUnwrapErr()).toEqual({
      kind: "data_directory_unusable",
      directory: below,
      cause: expect.any(Error),
    });
  });
});

describe("a write of the engine", () => {
  const cluster = () => join(directory, "cluster");
  const openEngine = async () => {
    await copyPrepared();
    return PGlite.create({
      fs: new EngineNodeFs(cluster(), "fsync"),
      startParams: startParameters("fsync", SCHEMA_SETTINGS),
      extensions: SCHEMA_EXTENSIONS,
    });
  };

  it("is flushed to disk in the write-ahead log before the response", async () => {
    const engine = await openEngine();
    const log = join(cluster(), "pg_wal");
    const logFlushed = (flushed: ReadonlySet<number>) =>
      fs.readdirSync(log).some((segment) => flushed.has(fs.statSync(join(log, segment)).ino));
    await watching(async ({ flushed }) => {
      for (let i = 0; i < 3; i++) {
        flushed.clear();
        await engine.query("select pg_logical_emit_message(true, 'quire', 'a record')");
        expect(logFlushed(flushed)).toBe(true);
      }
    });
    await engine.close();
  });

  it("is flushed to disk in the tables when the engine is closed", async () => {
    const engine = await openEngine();
    await engine.exec("create table rows (value text); insert into rows values ('a row')");
    const { flushed } = await watching(async (watch) => {
      await engine.close();
      return watch;
    });
    const paths = fs.readdirSync(cluster(), { recursive: true }).map(String);
    const names = paths.filter((path) => flushed.has(fs.statSync(join(cluster(), path)).ino));
    expect(names).toContain(join("global", "pg_control"));
    expect(names.some((path) => /^base.\d+.\d+$/.test(path))).toBe(true);
  });
});

/** Tries to lock a file, prints the result, and runs until it is killed. */
const LOCKING_PROCESS = `
  const { openSync, writeFileSync } = require("node:fs");
  const { tryLock } = require(process.argv[1]);
  const path = process.argv[2];
  const locked = tryLock(openSync(path, "a+"));
  if (locked) writeFileSync(path, process.argv[3].replace("PID", process.pid));
  console.log(locked ? "locked" : "refused");
  setInterval(() => {}, 1_000);
`;

describe("the lock of a data directory", () => {
  const FS_NATIVE_EXTENSIONS = createRequire(import.meta.url).resolve("fs-native-extensions");
  const HOLDER = { pid: "PID", host: "elsewhere", since: "2026-03-01T12:00:00.000Z" };

  /** Starts another process that tries to lock the directory, and writes `contents` into the lock file if it succeeds. */
  async function lockingProcess(contents = JSON.stringify(HOLDER).replace('"PID"', "PID")) {
    const path = join(directory, LOCK_FILE);
    const child = spawn(process.execPath, ["-e", LOCKING_PROCESS, FS_NATIVE_EXTENSIONS, path, contents]);
    const [output] = (await once(child.stdout, "data")) as [Buffer];
    const kill = async () => {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    };
    return { pid: child.pid, output: output.toString().trim(), kill };
  }

  it("names its holder in a private file", async () => {
    const held = lock()._unsafeUnwrap();
    const path = join(directory, LOCK_FILE);
    const holder = JSON.parse(await readFile(path, "utf8")) as { readonly since: string };
    expect(holder).toEqual({ pid: process.pid, host: hostname(), since: expect.any(String) as string });
    expect(new Date(holder.since).toISOString()).toBe(holder.since);
    expect((await stat(path)).mode & 0o077).toBe(0);
    held.release();
  });

  it("is rejected in the same process until its release", () => {
    const held = lock()._unsafeUnwrap();
    expect(lock()._unsafeUnwrapErr()).toMatchObject({ kind: "data_directory_in_use", holder: { pid: process.pid } });
    held.release();
    lock()._unsafeUnwrap().release();
  });

  it("is released only once, so that a second release does not close a reused file descriptor", () => {
    const held = lock()._unsafeUnwrap();
    held.release();
    const other = fs.openSync(join(temporary, "another"), "w");
    held.release();
    expect(fs.fstatSync(other).isFile()).toBe(true);
    fs.closeSync(other);
  });

  it("is rejected in another process", async () => {
    const held = lock()._unsafeUnwrap();
    const other = await lockingProcess();
    await other.kill();
    held.release();
    expect(other.output).toBe("refused");
  });

  it("is rejected with the name of the other process that holds it, and its lock file stays unchanged", async () => {
    const other = await lockingProcess();
    const written = await readFile(join(directory, LOCK_FILE), "utf8");
    const holder = { ...HOLDER, pid: other.pid };
    expect(other.output).toBe("locked");
    const refusal = { kind: "data_directory_in_use", directory, holder };
    expect(lock()._unsafeUnwrapErr()).toEqual(refusal);
    expect((await open())._unsafeUnwrapErr()).toEqual(refusal);
    expect(await readFile(join(directory, LOCK_FILE), "utf8")).toBe(written);
    expect(await readdir(directory)).toEqual([LOCK_FILE]);
    await other.kill();
  });

  it("is free after its holder is killed, even if the file still names the holder", async () => {
    const other = await lockingProcess();
    expect(lock().isErr()).toBe(true);
    await other.kill();
    expect(await readFile(join(directory, LOCK_FILE), "utf8")).toContain("elsewhere");
    const held = lock()._unsafeUnwrap();
    expect(JSON.parse(await readFile(join(directory, LOCK_FILE), "utf8"))).toMatchObject({ pid: process.pid });
    held.release();
  });

  it.each([
    ["no contents", ""],
    ["a truncated line", '{"pid":1'],
    ["another JSON value", '"hello"'],
  ])("is rejected with a null holder when the lock file has %s", async (_, contents) => {
    const other = await lockingProcess(contents);
    const refusal = lock()._unsafeUnwrapErr();
    await other.kill();
    expect(refusal).toEqual({ kind: "data_directory_in_use", directory, holder: null });
  });
});

describe("prepareCluster", () => {
  it("returns the path of the cluster in a used directory, and changes nothing", async () => {
    await sketchUsed();
    const before = await contentsOf(directory);
    expect((await prepareCluster(directory, recordingLog()))._unsafeUnwrap()).toBe(join(directory, "cluster"));
    expect(await contentsOf(directory)).toEqual(before);
  });
});
