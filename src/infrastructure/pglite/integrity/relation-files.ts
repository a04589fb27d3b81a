import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { crc32c } from "./crc32c.ts";
import type { Damage } from "./damage.ts";
import { fsyncPath } from "../engine/fsync-path.ts";
import { formatLsn, type Lsn } from "../../sql/lsn.ts";

export const RELATION_FILES_FILE = "quire.files.json";

const CLUSTER = "cluster";

/** A number for each file, by its path in the cluster, whose parts are separated by `/` everywhere. */
const NumbersOfFiles = z.record(z.string(), z.int().nonnegative());
type NumbersOfFiles = Readonly<z.infer<typeof NumbersOfFiles>>;

const RelationFiles = z.object({
  /** In bytes. */
  sizes: NumbersOfFiles,
  /** The CRC-32C of what PostgreSQL has no checksum for, which holds from a shutdown until the next start. */
  shutdown: z.object({ checkpoint: z.string(), checksums: NumbersOfFiles }).nullable(),
});
type RelationFiles = Readonly<z.infer<typeof RelationFiles>>;

/** A relation's file: its number, its fork, and which gigabyte of it this is (PostgreSQL 18, 66.1 Database File Layout). */
const RELATION_FILE = /^(\d+)(?:_(fsm|vm|init))?(?:\.\d+)?$/;
/** What else a database needs and PostgreSQL has no checksum for, or notices too late. */
const DATABASE_FILES: ReadonlySet<string> = new Set(["PG_VERSION", "pg_filenode.map"]);
/** Where PostgreSQL keeps which transactions committed. Vacuum removes old files there, never the newest. */
const TRANSACTION_DIRECTORIES: readonly string[] = ["pg_xact", "pg_multixact/offsets", "pg_multixact/members"];

/**
 * Notes the size of every relation file. To be called right after a CHECKPOINT, when the files are on the disk, while
 * nothing else runs. From then on they only grow: the engine runs with vacuum_truncate=off, and what drops or rewrites
 * a table calls `forgetRelationFiles` first. Throws what the operating system refuses; what was noted before stays.
 *
 * @param shutdown Where the log's last checkpoint is when PostgreSQL was shut down with it, otherwise `null`.
 */
export function recordRelationFiles(directory: string, shutdown: Lsn | null): void {
  const path = join(directory, RELATION_FILES_FILE);
  const unfinished = `${path}.unfinished`;
  const cluster = join(directory, CLUSTER);
  const files: RelationFiles = {
    sizes: numbers(cluster, lastingFiles(cluster), (file) => statSync(file).size),
    shutdown: shutdown === null ? null : { checkpoint: formatLsn(shutdown), checksums: checksumsOf(cluster) },
  };
  try {
    writeFileSync(unfinished, `${JSON.stringify(files)}\n`, { mode: 0o600 });
    fsyncPath(unfinished);
    renameSync(unfinished, path);
  } catch (cause) {
    rmSync(unfinished, { force: true });
    throw cause;
  }
  fsyncPath(directory);
}

/** Takes back what was noted, before files are dropped or rewritten. Throws what the operating system refuses. */
export function forgetRelationFiles(directory: string): void {
  rmSync(join(directory, RELATION_FILES_FILE), { force: true });
  fsyncPath(directory);
}

/**
 * Compares the relation files with what was noted of them, and gives the first damage. PostgreSQL does not: to it a
 * table without its last pages is a shorter table, and one without its file has no rows when recovery writes to it.
 *
 * @param shutdown Where the log's last checkpoint is when PostgreSQL is shut down, otherwise `null`.
 */
export function compareRelationFiles(directory: string, shutdown: Lsn | null): Damage | null {
  if (!existsSync(join(directory, RELATION_FILES_FILE))) return null;
  const files = readRelationFiles(directory);
  if (files === null) return { kind: "unreadable", path: RELATION_FILES_FILE };
  for (const [file, expectedBytes] of Object.entries(files.sizes)) {
    const damage = compareFile(directory, join(CLUSTER, ...file.split("/")), expectedBytes);
    if (damage !== null) return damage;
  }
  const isNotedShutdown = shutdown !== null && files.shutdown?.checkpoint === formatLsn(shutdown);
  for (const [file, checksum] of Object.entries(isNotedShutdown ? files.shutdown.checksums : {})) {
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

/** What a file's number is, for each of them. */
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

function lastingFiles(cluster: string): readonly string[] {
  const databases = readdirSync(join(cluster, "base")).filter((name) => /^\d+$/.test(name));
  const directories = ["global", ...databases.map((database) => `base/${database}`)];
  const relations = directories.flatMap((directory) => relationFilesIn(cluster, directory));
  return [...relations, ...transactionFilesIn(cluster)];
}

function transactionFilesIn(cluster: string): readonly string[] {
  return TRANSACTION_DIRECTORIES.flatMap((directory) => newestFileIn(cluster, directory));
}

function relationFilesIn(cluster: string, directory: string): readonly string[] {
  const names = readdirSync(join(cluster, directory));
  // Recovery empties an unlogged table, which is one with an init fork, down to that fork.
  const unlogged = new Set(
    names.filter((name) => name.endsWith("_init")).map((name) => name.slice(0, -"_init".length)),
  );
  const isLasting = (name: string) => {
    const [, relation, fork] = RELATION_FILE.exec(name) ?? [];
    return relation !== undefined && (fork === "init" || !unlogged.has(relation));
  };
  return names.filter((name) => DATABASE_FILES.has(name) || isLasting(name)).map((name) => `${directory}/${name}`);
}

/** The file with the highest number; numbers are hexadecimal and have as many digits. */
function newestFileIn(cluster: string, directory: string): readonly string[] {
  const names = readdirSync(join(cluster, directory)).filter((name) => /^[0-9A-F]{4,}$/.test(name));
  const newest = names.toSorted((a, b) => Number.parseInt(a, 16) - Number.parseInt(b, 16)).at(-1);
  return newest === undefined ? [] : [`${directory}/${newest}`];
}
