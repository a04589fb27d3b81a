import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PGlite } from "@electric-sql/pglite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EngineGuard } from "../../src/infrastructure/pglite/engine/guard.ts";
import { EngineNodeFs, type EngineDurability } from "../../src/infrastructure/pglite/engine/node-fs.ts";
import { clusterGuard } from "../../src/infrastructure/pglite/integrity/cluster-guard.ts";
import { relationFileSizes } from "../../src/infrastructure/pglite/integrity/relation-files.ts";
import { copyTemplateCluster, openPlainEngine } from "../support/plain-engine.ts";
import { recordedSizes } from "../support/recorded-sizes.ts";

let directory: string;
let files: EngineNodeFs;
let engine: PGlite;
let guard: EngineGuard<unknown>;

async function open(durability: EngineDurability): Promise<void> {
  const cluster = await copyTemplateCluster(directory);
  files = new EngineNodeFs(cluster, durability);
  engine = await openPlainEngine(cluster, files);
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-guard-"));
  guard = clusterGuard(directory);
});

afterEach(async () => {
  await engine.close();
  await rm(directory, { recursive: true });
});

async function checkpoint(): Promise<void> {
  await engine.exec("checkpoint");
  await guard.checkpointed(files.takeFlushed());
}

async function fileOf(table: string): Promise<string> {
  const { rows } = await engine.query<{ path: string }>("select pg_relation_filepath($1::regclass) as path", [table]);
  return rows[0]?.path ?? "";
}

async function prepare(durability: EngineDurability): Promise<void> {
  await open(durability);
  await engine.exec("create table notes (id int, text text)");
  await engine.exec("insert into notes select n, repeat('n', 100) from generate_series(1, 5000) n");
  await checkpoint();
}

const MORE_ROWS = "insert into notes select n, repeat('n', 100) from generate_series(1, 20000) n";

describe("the record of a checkpoint", () => {
  it.each([
    ["rows", [MORE_ROWS]],
    ["long values", ["insert into notes select 1, string_agg(md5(n::text), '') from generate_series(1, 90000) n"]],
    ["an index", ["create index on notes (text)"]],
    ["a table", ["create table further as select generate_series(1, 9000) n"]],
    ["the free space map and the visibility map", ["delete from notes where id % 3 = 0", "vacuum notes"]],
    ["roles", ["create role reader; grant select on notes to reader"]],
    ["nothing", []],
  ])("has the current size of every file after a change of %s", async (_, changes) => {
    await prepare("fsync");
    for (const change of changes) await engine.exec(change);
    await checkpoint();
    expect(await recordedSizes(directory)).toMatchObject(relationFileSizes(directory));
  });

  it("has the current size of every file without fsync", async () => {
    await prepare("relaxed");
    await engine.exec(MORE_ROWS);
    await checkpoint();
    expect(await recordedSizes(directory)).toMatchObject(relationFileSizes(directory));
  });

  it("reads only the files that PostgreSQL has flushed", async () => {
    await open("fsync");
    await engine.exec("create table notes (id int); create table others (id int)");
    await checkpoint();
    const [notes, others] = [await fileOf("notes"), await fileOf("others")];
    await engine.exec("insert into notes values (1); insert into others values (1); checkpoint");
    await guard.checkpointed(new Set([notes]));
    expect(await recordedSizes(directory)).toMatchObject({ [notes]: 8192, [others]: 0 });
  });

  it("reads all files after some may have been removed", async () => {
    await open("fsync");
    await engine.exec("create table notes as select generate_series(1, 9000) id");
    const before = await fileOf("notes");
    await checkpoint();
    await guard.beforeFileRemoval();
    await engine.exec("truncate notes");
    await checkpoint();
    const sizes = await recordedSizes(directory);
    expect(sizes).not.toHaveProperty([before]);
    expect(sizes).toMatchObject({ ...relationFileSizes(directory), [await fileOf("notes")]: 0 });
  });
});
