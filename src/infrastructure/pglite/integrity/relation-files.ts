import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import * as z from "zod";
import { crc32c } from "./crc32c.ts";
import type { Damage } from "../directory/damage.ts";
import { fsyncDirectory, writeAtomically } from "../directory/atomic-write.ts";
import { CLUSTER, RELATION_FILES_FILE } from "../directory/layout.ts";
import { formatLsn, type Lsn } from "../../sql/lsn.ts";

/** A number for each file, by its path in the cluster with `/` as separator on every operating system. */
const NumbersOfFiles = z.record(z.string(), z.int().nonnegative());
type NumbersOfFiles = Readonly<z.infer<typeof NumbersOfFiles>>;

const RelationFiles = z.object({
  /** In bytes. */
  sizes: NumbersOfFiles,
  /** The CRC-32C of files that have no checksum of PostgreSQL. It is valid from a shutdown until the next start. */
  shutdown: z.object({ checkpoint: z.string(), checksums: NumbersOfFiles }).nullable(),
});
type RelationFiles = Readonly<z.infer<typeof RelationFiles>>;

/**
 * A relation's file: the number of the relation, the fork, and the number of the segment of 1 GB (PostgreSQL 18, 66.1
 * Database File Layout).
 */
const RELATION_FILE = /^(\d+)(?:_(fsm|vm|init))?(?:\.\d+)?$/;
/** Other files of a database that have no checksum, or whose damage PostgreSQL notices too late. */
const DATABASE_FILES: ReadonlySet<string> = new Set(["PG_VERSION", "pg_filenode.map"]);
/** The transaction status (which transactions committed). Vacuum removes old files there, never the newest. */
const TRANSACTION_DIRECTORIES: readonly string[] = ["pg_xact", "pg_multixact/offsets", "pg_multixact/members"];

/** The sizes of the relation files in bytes, by their path in the cluster with `/` as separator. */
export type FileSizes = NumbersOfFiles;

/**
 * Reads the size of every relation file. Throws the operating system's error. A cluster has about a thousand, which takes some 15 ms.
 */
export function relationFileSizes(directory: string): FileSizes {
  const cluster = join(directory, CLUSTER);
  return numbers(cluster, relationFiles(cluster), sizeOf);
}

/**
 * The sizes after a checkpoint. A file that grew was also flushed by PostgreSQL, so only the flushed files are read. All files are
 * read if one of the flushed files is new, or if one of the two arguments is `null`. Throws the operating system's error.
 *
 * @param earlier The sizes at an earlier checkpoint. No file was removed since.
 * @param flushed The files that were flushed since.
 */
export function sizesAfterCheckpoint(
  directory: string,
  earlier: FileSizes | null,
  flushed: ReadonlySet<string> | null,
): FileSizes {
  if (earlier === null || flushed === null) return relationFileSizes(directory);
  const changed = [...flushed].filter((path) => /^(?:base|global)\//.test(path) && RELATION_FILE.test(basename(path)));
  if (changed.some((path) => earlier[path] === undefined)) return relationFileSizes(directory);
  return { ...earlier, ...numbers(join(directory, CLUSTER), changed, sizeOf) };
}

/**
 * Records the size of every relation file. Call it right after a CHECKPOINT, when the files are on the disk, while nothing
 * else runs. It reads the sizes before it returns the promise. From then on the files only grow: the engine runs with vacuum_truncate=off,
 * and a statement that drops or rewrites a table first waits for the promise and calls `removeRelationFileRecord`. Throws the
 * operating system's error; the earlier record stays.
 *
 * @param shutdown The position of the shutdown checkpoint after a clean shutdown, otherwise `null`.
 */
export async function recordRelationFiles(
  directory: string,
  shutdown: Lsn | null,
  sizes = relationFileSizes(directory),
): Promise<void> {
  const cluster = join(directory, CLUSTER);
  const files: RelationFiles = {
    sizes: { ...sizes, ...numbers(cluster, transactionFilesIn(cluster), sizeOf) },
    shutdown: shutdown === null ? null : { checkpoint: formatLsn(shutdown), checksums: checksumsOf(cluster) },
  };
  await writeAtomically(join(directory, RELATION_FILES_FILE), async (file) =>
    file.writeFile(`${JSON.stringify(files)}\n`),
  );
}

/** Removes the record, before files are dropped or rewritten. Throws the operating system's error. */
export async function removeRelationFileRecord(directory: string): Promise<void> {
  await rm(join(directory, RELATION_FILES_FILE), { force: true });
  await fsyncDirectory(directory);
}

/**
 * Compares the relation files with their record, and returns the first damage. PostgreSQL treats a table without its
 * last pages as a shorter table. It treats a table without its file as an empty one when crash recovery writes to it.
 *
 * @param shutdown The position of the shutdown checkpoint after a clean shutdown, otherwise `null`.
 */
export function compareRelationFiles(directory: string, shutdown: Lsn | null): Damage | null {
  if (!existsSync(join(directory, RELATION_FILES_FILE))) return null;
  const files = readRelationFiles(directory);
  if (files === null) return { kind: "unreadable", path: RELATION_FILES_FILE };
  for (const [file, expectedBytes] of Object.entries(files.sizes)) {
    const damage = compareFile(directory, join(CLUSTER, ...file.split("/")), expectedBytes);
    if (damage !== null) return damage;
  }
  const isRecordedShutdown = shutdown !== null && files.shutdown?.checkpoint === formatLsn(shutdown);
  for (const [file, checksum] of Object.entries(isRecordedShutdown ? files.shutdown.checksums : {})) {
    const path = join(CLUSTER, ...file.split("/"));
    if (checksumOf(join(directory, path)) !== checksum) return { kind: "unreadable", path };
  }
  return null;
}

function compareFile(directory: string, path: string, expectedBytes: number): Damage | null {
  try {
    const found = statSync(join(directory, path), { throwIfNoEntry: false });
    if (found === undefined) return { kind: "missing", path };
    if (!found.isFile()) return { kind: "unreadable", path };
    return found.size < expectedBytes ? { kind: "truncated", path, bytes: found.size, expectedBytes } : null;
  } catch {
    return { kind: "unreadable", path };
  }
}

function readRelationFiles(directory: string): RelationFiles | null {
  try {
    return RelationFiles.parse(JSON.parse(readFileSync(join(directory, RELATION_FILES_FILE), "utf8")));
  } catch {
    return null;
  }
}

function sizeOf(path: string): number {
  return statSync(path).size;
}

function numbers(cluster: string, files: readonly string[], numberOf: (path: string) => number): NumbersOfFiles {
  return Object.fromEntries(files.map((file) => [file, numberOf(join(cluster, file))]));
}

function checksumsOf(cluster: string): NumbersOfFiles {
  return numbers(cluster, transactionFilesIn(cluster), checksumOf);
}

function checksumOf(path: string): number {
  const { buffer, byteOffset, byteLength } = readFileSync(path);
  return crc32c(new DataView(buffer, byteOffset, byteLength), 0, byteLength);
}

function relationFiles(cluster: string): readonly string[] {
  const databases = readdirSync(join(cluster, "base")).filter((name) => /^\d+$/.test(name));
  const directories = ["global", ...databases.map((database) => `base/${database}`)];
  return directories.flatMap((directory) => relationFilesIn(cluster, directory));
}

function transactionFilesIn(cluster: string): readonly string[] {
  return TRANSACTION_DIRECTORIES.flatMap((directory) => newestFileIn(cluster, directory));
}

function relationFilesIn(cluster: string, directory: string): readonly string[] {
  const names = readdirSync(join(cluster, directory));
  // Crash recovery empties an unlogged table, which has an init fork, down to that fork.
  const unlogged = new Set(
    names.filter((name) => name.endsWith("_init")).map((name) => name.slice(0, -"_init".length)),
  );
  const isLasting = (name: string) => {
    const [, relation, fork] = RELATION_FILE.exec(name) ?? [];
    return relation !== undefined && (fork === "init" || !unlogged.has(relation));
  };
  return names.filter((name) => DATABASE_FILES.has(name) || isLasting(name)).map((name) => `${directory}/${name}`);
}

/** The file with the highest number. The numbers are hexadecimal. */
function newestFileIn(cluster: string, directory: string): readonly string[] {
  const names = readdirSync(join(cluster, directory)).filter((name) => /^[0-9A-F]{4,}$/.test(name));
  const newest = names.toSorted((a, b) => Number.parseInt(a, 16) - Number.parseInt(b, 16)).at(-1);
  return newest === undefined ? [] : [`${directory}/${newest}`];
}
