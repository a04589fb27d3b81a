import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "neverthrow";
import * as z from "zod";
import type { Log } from "../../../application/ports/log.ts";
import { fail } from "../../../domain/shared/fail.ts";
import { packageFile } from "../../node/package-files.ts";
import { initialiseEngine } from "../engine/engine.ts";
import { fsyncPath } from "../engine/fsync-path.ts";
import { writeAtomically } from "./atomic-write.ts";
import type { Damage } from "./damage.ts";
import { checkSpaceForDatabase, type DiskTooSmall } from "./disk-space.ts";
import { FORMAT, POSTGRESQL_MAJOR, type DataDirectoryIncompatible } from "./format.ts";
import { BEFORE_UPGRADE, CLUSTER, FORMAT_FILE, UNFINISHED_CLUSTER } from "./layout.ts";
import { recogniseDirectory, type DataDirectoryForeign } from "./recognise.ts";
import { finishUpgrade } from "./upgraded-cluster.ts";

/** A file of the database is missing or damaged. */
export interface DataDirectoryDamaged {
  readonly kind: "data_directory_damaged";
  readonly directory: string;
  readonly damage: Damage;
}

/** PostgreSQL does not start. `lastLines` are the last lines of PostgreSQL's log. */
export interface EngineNotStarted {
  readonly kind: "engine_not_started";
  readonly directory: string;
  readonly detail: string;
  readonly lastLines: readonly string[];
}

export type ClusterError =
  DiskTooSmall | DataDirectoryForeign | DataDirectoryDamaged | DataDirectoryIncompatible | EngineNotStarted;

const PG_VERSION = join(CLUSTER, "PG_VERSION");
/** Node itself loads a Worker, so it is always the built file. */
const INITIALISE_WORKER = packageFile("dist/workers/initialise-worker.js");

const Format = z.object({ format: z.number(), postgresql: z.number() });

/**
 * Checks the format of a locked data directory, and initialises a new one. A directory that ever held data is never
 * initialised again, even if files are missing. Returns the path of the cluster.
 *
 * @param freeSpaceBytes The disk space that must be free after an initialisation.
 */
export async function prepareCluster(
  directory: string,
  log: Log,
  freeSpaceBytes = 0,
): Promise<Result<string, ClusterError>> {
  const recognised = recogniseDirectory(directory);
  if (recognised.isErr()) return err(recognised.error);
  const cluster = join(directory, CLUSTER);
  if (recognised.value === "used") {
    if (await finishUpgrade(directory)) {
      const kept = join(directory, BEFORE_UPGRADE);
      log.warn({ directory, kept }, "interrupted upgrade completed: the old database is kept");
    }
    return (await checkFormat(directory)).map(() => cluster);
  }
  // The files of an interrupted initialisation occupy the space that this one needs.
  rmSync(join(directory, UNFINISHED_CLUSTER), { recursive: true, force: true });
  const space = checkSpaceForDatabase(directory, freeSpaceBytes);
  if (space.isErr()) return err(space.error);
  log.info({ directory }, "initialising a new database, which takes some seconds");
  const startedAt = performance.now();
  return (await initialise(directory, cluster)).map(() => {
    log.info({ directory, durationMs: Math.round(performance.now() - startedAt) }, "new database initialised");
    return cluster;
  });
}

/**
 * Checks that this program reads a locked data directory that holds data, and writes its format file if only that is missing.
 * Throws the operating system's error.
 */
export async function checkFormat(
  directory: string,
): Promise<Result<void, DataDirectoryDamaged | DataDirectoryIncompatible>> {
  const major = readMajor(join(directory, CLUSTER));
  const hasFormat = existsSync(join(directory, FORMAT_FILE));
  // Without PG_VERSION PGlite would treat the directory as new and overwrite the data.
  if (major === null) {
    return damaged(directory, { kind: "missing", path: hasFormat ? PG_VERSION : FORMAT_FILE });
  }
  // An interruption between the two last steps of an initialisation leaves a complete cluster without the format file.
  const recorded = hasFormat ? readFormat(directory) : { format: FORMAT, postgresql: major };
  if (recorded === null) return damaged(directory, { kind: "unreadable", path: FORMAT_FILE });
  const { format, postgresql } = recorded;
  if (format !== FORMAT || postgresql !== POSTGRESQL_MAJOR || major !== POSTGRESQL_MAJOR) {
    const found = major === POSTGRESQL_MAJOR ? postgresql : major;
    return fail({ kind: "data_directory_incompatible", directory, format, postgresql: found });
  }
  if (!hasFormat) await writeFormat(directory);
  return ok();
}

export function damaged(directory: string, damage: Damage): Result<never, DataDirectoryDamaged> {
  return fail({ kind: "data_directory_damaged", directory, damage });
}

/** PostgreSQL's major version in the cluster's own file; `null` if the file is missing or wrong. */
function readMajor(cluster: string): number | null {
  const path = join(cluster, "PG_VERSION");
  const text = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  return /^\d+$/.test(text) ? Number(text) : null;
}

/** Creates the cluster in a temporary directory, flushes it, and moves it into place in one step. */
async function initialise(directory: string, cluster: string): Promise<Result<void, EngineNotStarted>> {
  const unfinished = join(directory, UNFINISHED_CLUSTER);
  mkdirSync(unfinished, { mode: 0o700 });
  const initialised = await initialiseEngine(unfinished, INITIALISE_WORKER);
  if (initialised.isErr()) return fail({ ...initialised.error, kind: "engine_not_started", directory });
  fsyncTree(unfinished);
  renameSync(unfinished, cluster);
  fsyncPath(directory);
  await writeFormat(directory);
  return ok();
}

/** Writes the format file, by which the directory holds data. Throws the operating system's error. */
export async function writeFormat(directory: string): Promise<void> {
  const format: z.infer<typeof Format> = { format: FORMAT, postgresql: POSTGRESQL_MAJOR };
  await writeAtomically(join(directory, FORMAT_FILE), async (file) => file.writeFile(`${JSON.stringify(format)}\n`));
}

function readFormat(directory: string): z.infer<typeof Format> | null {
  try {
    return Format.parse(JSON.parse(readFileSync(join(directory, FORMAT_FILE), "utf8")));
  } catch {
    return null;
  }
}

/** Flushes all files and directories below a directory. Throws the operating system's error. */
export function fsyncTree(directory: string): void {
  for (const path of readdirSync(directory, { recursive: true, encoding: "utf8" })) fsyncPath(join(directory, path));
  fsyncPath(directory);
}
