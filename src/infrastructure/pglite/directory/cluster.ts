import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "neverthrow";
import { z } from "zod";
import type { Log } from "../../../application/ports/log.ts";
import { fail } from "../../../domain/shared/fail.ts";
import type { Damage } from "../integrity/damage.ts";
import { checkSpaceForDatabase, type DiskTooSmall } from "./disk-space.ts";
import { fsyncPath } from "../engine/fsync-path.ts";
import { initialiseEngine } from "../engine/engine.ts";
import {
  CLUSTER,
  MARKER_FILE,
  recogniseDirectory,
  UNFINISHED_CLUSTER,
  type DataDirectoryForeign,
} from "./recognise.ts";

/** The data directory is Quire's, and what it must hold is missing or damaged. */
export interface DataDirectoryDamaged {
  readonly kind: "data_directory_damaged";
  readonly directory: string;
  readonly damage: Damage;
}

/** The data directory is of another format or another PostgreSQL major than this program reads. */
export interface DataDirectoryIncompatible {
  readonly kind: "data_directory_incompatible";
  readonly directory: string;
  readonly format: number;
  readonly postgresql: number;
}

/** The engine does not start; `lastWords` are the last lines of its own log. */
export interface EngineNotStarted {
  readonly kind: "engine_not_started";
  readonly directory: string;
  readonly detail: string;
  readonly lastWords: readonly string[];
}

export type ClusterError =
  DiskTooSmall | DataDirectoryForeign | DataDirectoryDamaged | DataDirectoryIncompatible | EngineNotStarted;

/** The layout of a data directory: one more when a program before it could no longer read it. */
export const FORMAT = 1;
export const POSTGRESQL_MAJOR = 18;

const PG_VERSION = join(CLUSTER, "PG_VERSION");

const Marker = z.object({ format: z.number(), postgresql: z.number() });

/**
 * Gives the path of the PostgreSQL cluster in a locked data directory and makes the cluster when the directory is new.
 * A directory that ever held data is never initialised again, whatever it lacks.
 *
 * @param freeSpaceBytes What must be free on its disk once a new cluster is there.
 */
export async function prepareCluster(
  directory: string,
  log: Log,
  freeSpaceBytes = 0,
): Promise<Result<string, ClusterError>> {
  const recognised = recogniseDirectory(directory);
  if (recognised.isErr()) return err(recognised.error);
  const cluster = join(directory, CLUSTER);
  if (recognised.value === "used") return openCluster(directory, cluster);
  // What an interrupted initialisation left is space for this one.
  rmSync(join(directory, UNFINISHED_CLUSTER), { recursive: true, force: true });
  const space = checkSpaceForDatabase(directory, freeSpaceBytes);
  if (space.isErr()) return err(space.error);
  log.info({ directory }, "making a new database, which takes some seconds");
  return (await initialise(directory, cluster)).map(() => cluster);
}

function openCluster(directory: string, cluster: string): Result<string, ClusterError> {
  const major = readMajor(cluster);
  const isMarked = existsSync(join(directory, MARKER_FILE));
  // Without PG_VERSION PGlite would take the directory for a new one and write over what is there.
  if (major === null) {
    return damaged(directory, { kind: "missing", path: isMarked ? PG_VERSION : MARKER_FILE });
  }
  // A stop between the two last steps of an initialisation leaves a whole cluster without its marker.
  const marker = isMarked ? readMarker(directory) : { format: FORMAT, postgresql: major };
  if (marker === null) return damaged(directory, { kind: "unreadable", path: MARKER_FILE });
  const { format, postgresql } = marker;
  if (format !== FORMAT || postgresql !== POSTGRESQL_MAJOR || major !== POSTGRESQL_MAJOR) {
    const found = postgresql === POSTGRESQL_MAJOR ? major : postgresql;
    return fail({ kind: "data_directory_incompatible", directory, format, postgresql: found });
  }
  if (!isMarked) writeMarker(directory);
  return ok(cluster);
}

export function damaged(directory: string, damage: Damage): Result<never, DataDirectoryDamaged> {
  return fail({ kind: "data_directory_damaged", directory, damage });
}

/** The PostgreSQL major that a cluster says it is of; `null` when it does not say. */
function readMajor(cluster: string): number | null {
  const path = join(cluster, "PG_VERSION");
  const text = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  return /^\d+$/.test(text) ? Number(text) : null;
}

/** Builds the cluster beside its place, makes it outlast a power cut and moves it there in one step. */
async function initialise(directory: string, cluster: string): Promise<Result<void, EngineNotStarted>> {
  const unfinished = join(directory, UNFINISHED_CLUSTER);
  mkdirSync(unfinished, { mode: 0o700 });
  const initialised = await initialiseEngine({ directory, cluster: unfinished, durability: "fsync" });
  if (initialised.isErr()) return fail({ ...initialised.error, kind: "engine_not_started", directory });
  fsyncTree(unfinished);
  renameSync(unfinished, cluster);
  fsyncPath(directory);
  writeMarker(directory);
  return ok();
}

function writeMarker(directory: string): void {
  const path = join(directory, MARKER_FILE);
  const marker: z.infer<typeof Marker> = { format: FORMAT, postgresql: POSTGRESQL_MAJOR };
  writeFileSync(`${path}.unfinished`, `${JSON.stringify(marker)}\n`, { mode: 0o600 });
  fsyncPath(`${path}.unfinished`);
  renameSync(`${path}.unfinished`, path);
  fsyncPath(directory);
}

function readMarker(directory: string): z.infer<typeof Marker> | null {
  try {
    return Marker.parse(JSON.parse(readFileSync(join(directory, MARKER_FILE), "utf8")));
  } catch {
    return null;
  }
}

function fsyncTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) fsyncTree(path);
    else fsyncPath(path);
  }
  fsyncPath(directory);
}
