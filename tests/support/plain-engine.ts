import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { PGlite } from "@electric-sql/pglite";
import { inject } from "vitest";
import { EngineNodeFs } from "../../src/infrastructure/pglite/engine/node-fs.ts";
import { SCHEMA_EXTENSIONS } from "../../src/infrastructure/pglite/client/engine-settings.ts";

/** Puts a cluster with the tests' schema into a data directory, and gives its path. */
export async function copyTemplateCluster(directory: string): Promise<string> {
  const cluster = join(directory, "cluster");
  await copyDirectory(join(inject("dataDirectoryTemplate"), "cluster"), cluster);
  return cluster;
}

/** PGlite on a cluster, with nothing around it that looks at the files first. */
export async function openPlainEngine(cluster: string): Promise<PGlite> {
  const startParams = [
    ...PGlite.defaultStartParams.filter((parameter) => parameter !== "-F"),
    "-c",
    "wal_sync_method=fsync",
    "-c",
    "vacuum_truncate=off",
  ];
  return PGlite.create({ fs: new EngineNodeFs(cluster, "fsync"), startParams, extensions: SCHEMA_EXTENSIONS });
}

/** Copies what is in a directory: of an engine that runs no statement, it is what a killed process leaves. */
export async function copyDirectory(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await promisify(execFile)("cp", ["-R", `${from}/.`, to]);
}
