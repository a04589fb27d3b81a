import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { PGlite } from "@electric-sql/pglite";
import { inject } from "vitest";
import { EngineNodeFs } from "../../src/infrastructure/pglite/engine/node-fs.ts";
import { SCHEMA_EXTENSIONS } from "./quire-engine.ts";

/** Creates a cluster with the tests' schema in a data directory, and returns its path. */
export async function copyTemplateCluster(directory: string): Promise<string> {
  const cluster = join(directory, "cluster");
  await copyDirectory(join(inject("dataDirectoryTemplate"), "cluster"), cluster);
  return cluster;
}

/** PGlite on a cluster, without the checks of the files. */
export async function openPlainEngine(cluster: string, files = new EngineNodeFs(cluster, "fsync")): Promise<PGlite> {
  const startParams = [
    ...PGlite.defaultStartParams.filter((parameter) => parameter !== "-F"),
    "-c",
    "wal_sync_method=fsync",
    "-c",
    "vacuum_truncate=off",
  ];
  return PGlite.create({ fs: files, startParams, extensions: SCHEMA_EXTENSIONS });
}

/** Copies a directory. The copy of an idle engine's directory equals the files of a killed process. */
export async function copyDirectory(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await promisify(execFile)("cp", ["-R", `${from}/.`, to]);
}
