import { existsSync, readdirSync, statSync } from "node:fs";
import {
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openAcknowledgedPosition } from "../../src/infrastructure/pglite/directory/acknowledged-position.ts";
import { ACKNOWLEDGED_FILE, RELATION_FILES_FILE } from "../../src/infrastructure/pglite/directory/layout.ts";
import { checkCluster } from "../../src/infrastructure/pglite/integrity/cluster-integrity.ts";
import { CONTROL_FILE, readControlFile } from "../../src/infrastructure/pglite/integrity/control-file.ts";
import { crc32c } from "../../src/infrastructure/pglite/integrity/crc32c.ts";
import { formatLsn, parseLsn, type Lsn } from "../../src/infrastructure/sql/lsn.ts";
import {
  compareRelationFiles,
  removeRelationFileRecord,
  recordRelationFiles,
} from "../../src/infrastructure/pglite/integrity/relation-files.ts";
import { copyDirectory, openPlainEngine, copyTemplateCluster } from "../support/plain-engine.ts";
import { recordedSizes } from "../support/recorded-sizes.ts";

const CONTROL_PATH = join("cluster", CONTROL_FILE);
const SEGMENT = 16 * 2 ** 20;
const NOTES_BEFORE = 2000;
const NOTES_AFTER = 40;

let temporary: string;
/** The data directory of a killed process: a checkpoint with the record of relation files, and later rows. */
let crashed: string;
/** The same directory after a clean shutdown. */
let closed: string;
/** A copy of one of them, which a test damages. */
let directory: string;
/** The contents of the crashed directory's control file according to PostgreSQL. */
let reported: Record<string, unknown>;
/** The file of the table, and the LSNs before each row after the checkpoint and after the last row. */
let table: string;
let positions: Lsn[];
/** The control file of an earlier clean shutdown. */
let earlierControl: Buffer;

async function positionOf(engine: PGlite): Promise<Lsn> {
  const { rows } = await engine.query<{ lsn: string }>("select pg_current_wal_flush_lsn() as lsn");
  return parseLsn(rows[0]?.lsn ?? "") as Lsn;
}

async function countNotes(engine: PGlite): Promise<number> {
  const { rows } = await engine.query<{ count: number }>("select count(*)::int as count from notes");
  return rows[0]?.count ?? -1;
}

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), "quire-integrity-"));
  [crashed, closed, directory] = ["crashed", "closed", "copy"].map((name) => join(temporary, name)) as [
    string,
    string,
    string,
  ];
  const cluster = await copyTemplateCluster(closed);
  await (await openPlainEngine(cluster)).close();
  earlierControl = await readFile(join(closed, CONTROL_PATH));
  const engine = await openPlainEngine(cluster);
  await engine.exec("create table notes (id int, text text); create unlogged table scratch (id int)");
  await engine.query("insert into notes select id, repeat('n', 100) from generate_series(1, $1) id", [NOTES_BEFORE]);
  await engine.exec("insert into scratch select id from generate_series(1, 5000) id");
  await engine.exec("checkpoint");
  await recordRelationFiles(closed, null);
  const acknowledged = openAcknowledgedPosition(closed);
  positions = [await positionOf(engine)];
  for (let id = 0; id < NOTES_AFTER; id += 1) {
    await engine.query("insert into notes values ($1, repeat('a', 2000))", [NOTES_BEFORE + id]);
    positions.push(await positionOf(engine));
    acknowledged.record(positions.at(-1) as Lsn);
  }
  acknowledged.close();
  const path = await engine.query<{ path: string }>("select pg_relation_filepath('notes') as path");
  table = path.rows[0]?.path ?? "";
  const control = "select * from pg_control_checkpoint(), pg_control_init(), pg_control_system()";
  reported = (await engine.query<Record<string, unknown>>(control)).rows[0] ?? {};
  await copyDirectory(closed, crashed);
  await engine.close();
});
beforeEach(async () => rm(directory, { recursive: true, force: true }));
afterAll(async () => rm(temporary, { recursive: true }));

const copyOf = async (original: string) => copyDirectory(original, directory);
const inCluster = (path: string) => join(directory, "cluster", path);
const damage = () => checkCluster(directory)._unsafeUnwrapErr();
const acknowledgedLsn = () => formatLsn(positions.at(-1) as Lsn);

async function changeByte(path: string, at: number): Promise<void> {
  const file = await open(path, "r+");
  const { buffer } = await file.read(new Uint8Array(1), 0, 1, at);
  await file.write(new Uint8Array([(buffer[0] as number) ^ 0x10]), 0, 1, at);
  await file.close();
}

/** Returns the path of the WAL segment that contains an LSN. */
function segmentOf(lsn: Lsn): string {
  const number = (lsn / BigInt(SEGMENT)).toString(16).toUpperCase().padStart(16, "0");
  return inCluster(join("pg_wal", `00000001${number}`));
}

/** Every path in a directory with its size and modification time. */
async function stateOf(root: string): Promise<readonly string[]> {
  const paths = await readdir(root, { recursive: true });
  return Promise.all(
    paths.toSorted().map(async (path) => {
      const { size, mtimeNs } = await stat(join(root, path), { bigint: true });
      return `${path} ${size} ${mtimeNs}`;
    }),
  );
}

describe("an undamaged cluster", () => {
  it("is reported with its clean or unclean shutdown, and is not changed", async () => {
    for (const [original, isShutDown] of [
      [closed, true],
      [crashed, false],
    ] as const) {
      const before = await stateOf(original);
      expect(checkCluster(original)._unsafeUnwrap()).toEqual({ isShutDown });
      expect(await stateOf(original)).toEqual(before);
    }
  });

  it("is reported as undamaged without a record of relation files and an acknowledged position", async () => {
    await copyOf(crashed);
    await rm(join(directory, RELATION_FILES_FILE));
    await rm(join(directory, ACKNOWLEDGED_FILE));
    expect(checkCluster(directory)._unsafeUnwrap()).toEqual({ isShutDown: false });
  });

  it("is reported as undamaged after crash recovery, a vacuum of most rows and a second crash", async () => {
    await copyOf(crashed);
    const engine = await openPlainEngine(join(directory, "cluster"));
    expect(await countNotes(engine)).toBe(NOTES_BEFORE + NOTES_AFTER);
    await engine.exec("delete from notes where id > 100");
    await engine.exec("vacuum");
    await engine.exec("checkpoint");
    expect(await countNotes(engine)).toBe(100);
    expect(checkCluster(directory)._unsafeUnwrap()).toEqual({ isShutDown: false });
    await engine.close();
  });
});

describe("a damage that PostgreSQL ignores", () => {
  it("is detected in a damaged log, with which PostgreSQL loses rows silently", async () => {
    await copyOf(crashed);
    const kept = 25;
    const at = positions[kept] as Lsn;
    await changeByte(segmentOf(at), Number(at % BigInt(SEGMENT)) + 100);
    const expected = { kind: "log_ends_early", endsAt: formatLsn(at), neededUntil: acknowledgedLsn() };
    expect(damage()).toEqual(expected);
    const engine = await openPlainEngine(join(directory, "cluster"));
    expect(await countNotes(engine)).toBe(NOTES_BEFORE + kept);
    await engine.close();
  });

  it("is detected in a truncated table, which PostgreSQL reads as a shorter one", async () => {
    await copyOf(closed);
    const { size } = await stat(inCluster(table));
    await truncate(inCluster(table), 8192);
    expect(damage()).toMatchObject({ kind: "truncated", path: join("cluster", table), bytes: 8192 });
    const engine = await openPlainEngine(join(directory, "cluster"));
    expect(await countNotes(engine)).toBeLessThan(NOTES_BEFORE);
    expect(size).toBeGreaterThan(8192);
    await engine.close();
  });
});

describe("the log of a cluster", () => {
  it("is rejected when it ends before the acknowledged position", async () => {
    await copyOf(crashed);
    const position = openAcknowledgedPosition(directory);
    const end = positions.at(-1) as Lsn;
    position.record(end + 8n);
    position.close();
    const ends = { endsAt: formatLsn(end), neededUntil: formatLsn(end + 8n) };
    expect(damage()).toEqual({ kind: "log_ends_early", ...ends });
  });

  it("is rejected when its files are missing", async () => {
    await copyOf(crashed);
    await rm(inCluster("pg_wal"), { recursive: true });
    const { redo, checkpoint } = readControlFile(inCluster("")) ?? { redo: 0n, checkpoint: 0n };
    const ends = { endsAt: formatLsn(redo), neededUntil: formatLsn(checkpoint) };
    expect(damage()).toEqual({ kind: "log_ends_early", ...ends });
  });

  it.each([
    ["closed", () => closed],
    ["crashed", () => crashed],
  ])("is rejected when its checkpoint record is damaged, in a %s cluster", async (_, original) => {
    await copyOf(original());
    await rm(join(directory, ACKNOWLEDGED_FILE));
    const { checkpoint } = readControlFile(inCluster("")) ?? { checkpoint: 0n };
    await changeByte(segmentOf(checkpoint), Number(checkpoint % BigInt(SEGMENT)) + 30);
    const at = formatLsn(checkpoint);
    expect(damage()).toEqual({ kind: "log_ends_early", endsAt: at, neededUntil: at });
  });

  it("is rejected with an older control file, with which PostgreSQL would overwrite acknowledged writes", async () => {
    await copyOf(closed);
    await writeFile(join(directory, CONTROL_PATH), earlierControl);
    const { checkpoint, isShutDown } = readControlFile(inCluster("")) ?? { checkpoint: 0n };
    expect(isShutDown).toBe(true);
    const ends = { endsAt: formatLsn(checkpoint), neededUntil: acknowledgedLsn() };
    expect(damage()).toEqual({ kind: "log_ends_early", ...ends });
  });
});

describe("the control file", () => {
  it("is read with the values that PostgreSQL reports", () => {
    const control = readControlFile(join(crashed, "cluster"));
    expect(control).toEqual({
      systemIdentifier: reported["system_identifier"],
      isShutDown: false,
      checkpoint: parseLsn(String(reported["checkpoint_lsn"])),
      redo: parseLsn(String(reported["redo_lsn"])),
      timeline: reported["timeline_id"],
      walSegmentBytes: reported["bytes_per_wal_segment"],
    });
    expect(control?.checkpoint).toBeGreaterThan(control?.redo ?? 0n);
  });

  it("is rejected when it is missing", async () => {
    await copyOf(closed);
    await rm(join(directory, CONTROL_PATH));
    expect(damage()).toEqual({ kind: "missing", path: CONTROL_PATH });
  });

  it("is rejected when any used byte is changed", async () => {
    await copyOf(closed);
    const path = join(directory, CONTROL_PATH);
    for (let at = 0; at < 296; at += 1) {
      await changeByte(path, at);
      expect(readControlFile(inCluster(""))).toBeNull();
      await changeByte(path, at);
    }
    expect(readControlFile(inCluster(""))).not.toBeNull();
    await changeByte(path, 40);
    expect(damage()).toEqual({ kind: "unreadable", path: CONTROL_PATH });
  });

  it("is rejected when it is short, empty or a directory", async () => {
    await copyOf(closed);
    const path = join(directory, CONTROL_PATH);
    for (const bytes of [295, 4, 0]) {
      await truncate(path, bytes);
      expect(damage()).toEqual({ kind: "unreadable", path: CONTROL_PATH });
    }
    await rm(path);
    await mkdir(path);
    expect(damage()).toEqual({ kind: "unreadable", path: CONTROL_PATH });
  });

  it("is rejected when it has another version, even with a valid checksum", async () => {
    await copyOf(closed);
    const bytes = await readFile(join(directory, CONTROL_PATH));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    view.setUint32(8, 1700, true);
    view.setUint32(292, crc32c(view, 0, 292), true);
    await writeFile(join(directory, CONTROL_PATH), bytes);
    expect(damage()).toEqual({ kind: "unreadable", path: CONTROL_PATH });
  });
});

describe("the record of the relation files", () => {
  /** Makes the skeleton of a data directory with the given files. */
  async function sketch(files: Readonly<Record<string, number>>): Promise<void> {
    for (const path of ["global", "base/5", "pg_xact", "pg_multixact/offsets", "pg_multixact/members"]) {
      await mkdir(inCluster(path), { recursive: true });
    }
    for (const [path, bytes] of Object.entries(files)) {
      await writeFile(inCluster(path), "");
      await truncate(inCluster(path), bytes);
    }
  }

  it("contains the size of every file of tables, indexes and transaction status", async () => {
    const files = await recordedSizes(crashed);
    expect(files[table]).toBeGreaterThan(100 * NOTES_BEFORE);
    expect(Object.keys(files)).toEqual(
      expect.arrayContaining([
        "global/1262",
        "global/1262_vm",
        "global/pg_filenode.map",
        "base/5/1259",
        "base/5/1259_fsm",
        "base/5/PG_VERSION",
        "base/5/pg_filenode.map",
        "pg_xact/0000",
        "pg_multixact/offsets/0000",
        "pg_multixact/members/0000",
      ]),
    );
  });

  it("contains forks and further segments of tables, and only the init forks of unlogged tables", async () => {
    const kept = {
      "base/5/100": 1,
      "base/5/100.1": 2,
      "base/5/100.12": 3,
      "base/5/100_fsm": 4,
      "base/5/100_vm.1": 5,
      "base/5/200_init": 6,
      "global/300": 7,
    };
    const left = ["base/5/200", "base/5/200.1", "base/5/200_fsm", "base/5/t3_400", "base/5/pg_internal.init"];
    const other = ["global/pg_control", "base/5/100.x", "base/5/100_new", "base/5/x100", "base/notes"];
    await sketch({ ...kept, ...Object.fromEntries([...left, ...other].map((path) => [path, 9])) });
    await mkdir(inCluster("base/pgsql_tmp"));
    await recordRelationFiles(directory, null);
    expect(await recordedSizes(directory)).toEqual(kept);
  });

  it("contains only the newest of the transaction status files, because vacuum removes old ones", async () => {
    await sketch({ "pg_xact/0009": 1, "pg_xact/000A": 2, "pg_xact/0001": 3, "pg_multixact/members/FFFF": 4 });
    await sketch({ "pg_multixact/members/10000": 5, "pg_multixact/offsets/notes": 6 });
    await recordRelationFiles(directory, null);
    expect(await recordedSizes(directory)).toEqual({ "pg_xact/000A": 2, "pg_multixact/members/10000": 5 });
  });

  it("accepts grown and new files", async () => {
    await sketch({ "base/5/100": 8192, "base/5/101": 0 });
    await recordRelationFiles(directory, null);
    await sketch({ "base/5/100": 16_384, "base/5/101": 8192, "base/5/102": 8192 });
    expect(compareRelationFiles(directory, null)).toBeNull();
  });

  it.each(["base/5/100", "base/5/100.1", "base/5/100_vm", "global/300", "pg_xact/0000", "base/5/PG_VERSION"])(
    "detects that %s is missing, truncated, empty or a directory",
    async (name) => {
      await sketch({ [name]: 16_384, "base/5/999": 8192 });
      await recordRelationFiles(directory, null);
      const path = join("cluster", name);
      for (const bytes of [16_383, 8192, 0]) {
        await truncate(inCluster(name), bytes);
        expect(compareRelationFiles(directory, null)).toEqual({
          kind: "truncated",
          path,
          bytes,
          expectedBytes: 16_384,
        });
      }
      await rm(inCluster(name));
      expect(compareRelationFiles(directory, null)).toEqual({ kind: "missing", path });
      await mkdir(inCluster(name));
      expect(compareRelationFiles(directory, null)).toEqual({ kind: "unreadable", path });
    },
  );

  it("detects a change of the transaction status after the shutdown, until the next start", async () => {
    const [shutdown, later] = [0x100n, 0x200n];
    await sketch({ "pg_xact/0000": 8192, "pg_multixact/offsets/0000": 8192 });
    await recordRelationFiles(directory, shutdown);
    expect(compareRelationFiles(directory, shutdown)).toBeNull();
    await changeByte(inCluster("pg_xact/0000"), 100);
    const path = join("cluster", "pg_xact", "0000");
    expect(compareRelationFiles(directory, shutdown)).toEqual({ kind: "unreadable", path });
    expect(compareRelationFiles(directory, null)).toBeNull();
    expect(compareRelationFiles(directory, later)).toBeNull();
    await recordRelationFiles(directory, null);
    expect(compareRelationFiles(directory, shutdown)).toBeNull();
  });

  it("detects a missing database", async () => {
    await copyOf(closed);
    await rm(inCluster("base/5"), { recursive: true });
    expect(damage()).toMatchObject({ kind: "missing", path: expect.stringContaining(join("cluster", "base", "5")) });
  });

  it.each([
    ["is empty", ""],
    ["is truncated", '{"sizes":{"base/5/1259":81'],
    ["is an array", '["base/5/1259"]'],
    ["has an invalid size", '{"sizes":{"base/5/1259":-1},"shutdown":null}'],
    ["has another format", '{"sizes":{"base/5/1259":"8192"},"shutdown":null}'],
  ])("is rejected when it %s", async (_, contents) => {
    await copyOf(closed);
    await writeFile(join(directory, RELATION_FILES_FILE), contents);
    expect(damage()).toEqual({ kind: "unreadable", path: RELATION_FILES_FILE });
  });

  it("is replaced atomically, and is kept when the disk is full", async () => {
    await sketch({ "base/5/100": 8192 });
    await recordRelationFiles(directory, null);
    await sketch({ "base/5/100": 16_384 });
    await symlink("/dev/full", join(directory, `${RELATION_FILES_FILE}.unfinished`));
    await expect(recordRelationFiles(directory, null)).rejects.toThrow(/ENOSPC/);
    expect(await recordedSizes(directory)).toEqual({ "base/5/100": 8192 });
    expect(readdirSync(directory).toSorted()).toEqual(["cluster", RELATION_FILES_FILE]);
    expect(statSync("/dev/full").isCharacterDevice()).toBe(true);
    await recordRelationFiles(directory, null);
    expect(await recordedSizes(directory)).toEqual({ "base/5/100": 16_384 });
  });

  it("can be deleted repeatedly, before files are dropped", async () => {
    await sketch({ "base/5/100": 8192 });
    await recordRelationFiles(directory, null);
    await removeRelationFileRecord(directory);
    await removeRelationFileRecord(directory);
    await rm(inCluster("base/5/100"));
    expect(existsSync(join(directory, RELATION_FILES_FILE))).toBe(false);
    expect(compareRelationFiles(directory, null)).toBeNull();
  });

  it("throws when the cluster cannot be read", async () => {
    await sketch({});
    await rename(inCluster("global"), inCluster("gone"));
    await expect(recordRelationFiles(directory, null)).rejects.toThrow(/ENOENT/);
    await copyFile("/dev/null", inCluster("global"));
    await expect(recordRelationFiles(directory, null)).rejects.toThrow(/ENOTDIR/);
  });
});

describe("the order of the checks", () => {
  it("is the control file, then the relation files, then the log", async () => {
    await copyOf(crashed);
    const { redo } = readControlFile(inCluster("")) ?? { redo: 0n };
    await changeByte(segmentOf(redo), Number(redo % BigInt(SEGMENT)) + 20);
    expect(damage()).toMatchObject({ kind: "log_ends_early" });
    await rm(inCluster(table));
    expect(damage()).toMatchObject({ kind: "missing", path: join("cluster", table) });
    await changeByte(join(directory, CONTROL_PATH), 0);
    expect(damage()).toMatchObject({ kind: "unreadable", path: CONTROL_PATH });
  });
});
