import type * as NodeFileSystem from "node:fs";
import { rmSync } from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { mkdtemp } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import type { PGlite } from "@electric-sql/pglite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EngineNodeFs } from "../../src/infrastructure/pglite/engine/node-fs.ts";
import { copyTemplateCluster, openPlainEngine } from "../support/plain-engine.ts";

// Emscripten calls this object, so a replaced function is replaced for the engine.
const fs = createRequire(import.meta.url)("node:fs") as typeof NodeFileSystem;
const { openSync, writeFileSync } = fs;

type Errno = "EMFILE" | "ENOSPC";

let directory: string;
let engine: PGlite;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-fs-"));
  engine = await openPlainEngine(await copyTemplateCluster(directory));
  await engine.exec("create table t (n int)");
});

afterEach(async () => {
  mend();
  await engine.close();
  rmSync(directory, { recursive: true });
});

function refuse(errno: Errno, path: unknown): void {
  if (!String(path).endsWith("_fsm")) return;
  throw Object.assign(new Error(`${errno}: injected`), { code: errno, errno: -constants.errno[errno] });
}

/** Lets the creation (`mknod` of Emscripten) or the opening of free space maps fail. */
function breakFiles({ create, open }: { readonly create?: Errno; readonly open?: Errno }): void {
  fs.writeFileSync = (path, ...rest) => {
    if (create !== undefined) refuse(create, path);
    writeFileSync(path, ...rest);
  };
  fs.openSync = (path, ...rest) => {
    if (open !== undefined) refuse(open, path);
    return openSync(path, ...rest);
  };
  syncBuiltinESMExports();
}

function mend(): void {
  Object.assign(fs, { openSync, writeFileSync });
  syncBuiltinESMExports();
}

/** Grows a table until PostgreSQL creates its free space map. */
async function growTable(): Promise<void> {
  await engine.exec("insert into t select generate_series(1, 5000)");
}

describe("the engine's file system", () => {
  it.each([
    ["ENOSPC during the creation of a file", { create: "ENOSPC" }, "53100"],
    ["EMFILE during the creation of a file", { create: "EMFILE" }, "53000"],
    ["EMFILE during the opening of a new file", { open: "EMFILE" }, "53000"],
  ] as const)("works again after %s", async (_, fault, sqlState) => {
    breakFiles(fault);
    for (let attempt = 0; attempt < 3; attempt++) await expect(growTable()).rejects.toMatchObject({ code: sqlState });
    mend();
    await growTable();
    expect((await engine.query("select count(*)::int as rows from t")).rows).toEqual([{ rows: 5000 }]);
  });

  it("works again after EMFILE during the opening of a new file also with relaxed durability", async () => {
    await engine.close();
    engine = await openPlainEngine(join(directory, "cluster"), new EngineNodeFs(join(directory, "cluster"), "relaxed"));
    breakFiles({ open: "EMFILE" });
    await expect(growTable()).rejects.toMatchObject({ code: "53000" });
    mend();
    await growTable();
    expect((await engine.query("select count(*)::int as rows from t")).rows).toEqual([{ rows: 5000 }]);
  });

  it("releases the stream numbers of failed opens, of which Emscripten has 4,096", async () => {
    await growTable();
    const files = await engine.query<{ path: string }>("select pg_relation_filepath('t') || '_fsm' as path");
    const { FS } = engine.Module as unknown as {
      FS: { open(path: string, flags: number): unknown; streams: readonly unknown[] };
    };
    const openStreams = () => FS.streams.filter((stream) => stream !== null && stream !== undefined).length;
    const path = `${engine.dataDir ?? "/pglite/data"}/${files.rows[0]?.path}`;
    expect(openStreams()).toBeGreaterThan(0);
    const before = openStreams();
    breakFiles({ open: "EMFILE" });
    for (let attempt = 0; attempt < 100; attempt++) expect(() => FS.open(path, 0)).toThrow();
    mend();
    expect(openStreams()).toBe(before);
  });
});
