import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEngine, type Engine } from "../../src/infrastructure/pglite/engine/engine.ts";
import { copyTemplateCluster } from "../support/plain-engine.ts";
import type { SlowRecordData } from "../support/slow-record-worker.ts";

const WORKER = fileURLToPath(new URL("../support/slow-record-worker.ts", import.meta.url));
const NODE_MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));
const HANDLING = { acknowledges: true, deadlineMs: 60_000 };

describe("the record of a checkpoint", () => {
  let directory: string;
  let engine: Engine;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "quire-records-"));
    await copyTemplateCluster(directory);
    await symlink(NODE_MODULES, join(directory, "node_modules"));
    const worker = join(directory, "worker.mjs");
    await build({
      entryPoints: [WORKER],
      outfile: worker,
      bundle: true,
      format: "esm",
      platform: "node",
      packages: "external",
    });
    const data: SlowRecordData = { directory, calls: join(directory, "calls") };
    engine = (await openEngine({ worker: pathToFileURL(worker), data, onFailed: () => {} }))._unsafeUnwrap();
  });

  afterEach(async () => {
    await engine.kill();
    await rm(directory, { recursive: true });
  });

  const run = async (script: string, removesFiles = false) =>
    (await engine.executeScript(script, { ...HANDLING, removesFiles }))._unsafeUnwrap();
  const checkpoint = async () => expect((await engine.checkpoint())._unsafeUnwrap()).toBeNull();
  const calls = async () => (await readFile(join(directory, "calls"), "utf8")).trim().split("\n");

  it("keeps no statement waiting, and ends before the next checkpoint", async () => {
    await checkpoint();
    await run("create table a (n int)");
    await checkpoint();
    await engine.close();
    const record = ["record begins", "record ends"];
    expect(await calls()).toEqual(["record begins", "acknowledged", "record ends", ...record, "closed"]);
  });

  it("ends before files are removed", async () => {
    await run("create table a (n int)");
    await checkpoint();
    await run("drop table a", true);
    const record = ["record begins", "record ends"];
    expect(await calls()).toEqual(["acknowledged", ...record, "files are removed", "acknowledged"]);
  });
});
