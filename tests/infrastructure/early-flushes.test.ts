import type * as NodeFileSystem from "node:fs";
import { readdirSync, readlinkSync, rmSync } from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { mkdtemp } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { PGlite } from "@electric-sql/pglite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EngineNodeFs } from "../../src/infrastructure/pglite/engine/node-fs.ts";
import { copyTemplateCluster, openPlainEngine } from "../support/plain-engine.ts";

// The engine calls this object too, so a replaced function is replaced for the engine.
const fs = createRequire(import.meta.url)("node:fs") as typeof NodeFileSystem;
const { fdatasyncSync } = fs;

let directory: string;
let files: EngineNodeFs;
let engine: PGlite;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-flushes-"));
  const cluster = await copyTemplateCluster(directory);
  files = new EngineNodeFs(cluster, "fsync");
  engine = await openPlainEngine(cluster, files);
  for (const table of ["a", "b", "c"]) await engine.exec(`create table ${table} (n int)`);
  await engine.exec("checkpoint");
  for (const table of ["a", "b", "c"]) await engine.exec(`insert into ${table} select generate_series(1, 5000)`);
});

afterEach(async () => {
  replaceFlush(fdatasyncSync);
  await engine.close().catch(() => undefined);
  rmSync(directory, { recursive: true });
});

function replaceFlush(flush: typeof fdatasyncSync): void {
  fs.fdatasyncSync = flush;
  syncBuiltinESMExports();
}

const fileOf = (descriptor: number) => basename(readlinkSync(`/proc/self/fd/${descriptor}`));
const checkpoint = async () => files.duringCheckpoint(async () => engine.exec("checkpoint"));
const openFiles = () => readdirSync("/proc/self/fd").length;

async function filesOfTables(): Promise<readonly string[]> {
  const { rows } = await engine.query<{ path: string }>(
    "select pg_relation_filepath(oid) as path from pg_class where relname in ('a', 'b', 'c')",
  );
  return rows.map(({ path }) => basename(path));
}

describe.skipIf(process.platform !== "linux")("the early flushes of a checkpoint", () => {
  it("come before PostgreSQL's own flush of each file, which stays, and leave no descriptor open", async () => {
    const paths = await filesOfTables();
    const before = openFiles();
    const flushes = new Map<string, number>();
    replaceFlush((descriptor) => {
      flushes.set(fileOf(descriptor), (flushes.get(fileOf(descriptor)) ?? 0) + 1);
      fdatasyncSync(descriptor);
    });
    await checkpoint();
    const counts = paths.map((path) => flushes.get(path));
    // The descriptor that was opened before the early flush, and PostgreSQL's.
    expect(counts).toEqual([2, 2, 2]);
    expect(openFiles()).toBe(before);
  });

  it("let the checkpoint fail when the disk refuses one, although a later flush of the file succeeds", async () => {
    const [refused = ""] = await filesOfTables();
    let hasFailed = false;
    replaceFlush((descriptor) => {
      if (fileOf(descriptor) !== refused || hasFailed) return fdatasyncSync(descriptor);
      hasFailed = true;
      throw Object.assign(new Error("EIO: injected"), { code: "EIO", errno: -constants.errno.EIO });
    });
    const before = openFiles();
    await expect(checkpoint()).rejects.toThrow();
    expect(hasFailed).toBe(true);
    expect(openFiles()).toBe(before);
  });
});
