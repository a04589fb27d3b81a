import { mkdir, open, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "neverthrow";
import { isMissingPath } from "../../node/is-missing-path.ts";
import type { Lsn } from "../../sql/lsn.ts";
import { openAcknowledgedPosition } from "../directory/acknowledged-position.ts";
import { CLUSTER, FORMAT_FILE } from "../directory/layout.ts";
import { CONTROL_FILE, readControlFile } from "../integrity/control-file.ts";
import { segmentFile } from "../integrity/write-ahead-log.ts";
import type { BackupSource, BackupSourceFailed } from "./backup-source.ts";
import { createPacedFile } from "./paced-file.ts";
import { diskPause } from "./pause.ts";

/** Directories whose contents PostgreSQL creates again (PostgreSQL 18, 54.4, BASE_BACKUP). The log is copied last. */
const EMPTIED: ReadonlySet<string> = new Set([
  "pg_wal",
  "pg_dynshmem",
  "pg_notify",
  "pg_replslot",
  "pg_serial",
  "pg_snapshots",
  "pg_stat_tmp",
  "pg_subtrans",
]);
const OMITTED_FILES: ReadonlySet<string> = new Set(["postmaster.pid", "postmaster.opts", "pg_internal.init"]);
const TEMPORARY = /^pgsql_tmp/;
const WAL = "pg_wal";
const BUFFER_BYTES = 1_048_576;

export interface CopyOptions {
  readonly source: BackupSource;
  /** The data directory, whose files may change during the copy. */
  readonly from: string;
  /** An empty directory. It becomes a data directory. */
  readonly to: string;
  readonly signal: AbortSignal;
  readonly onCopied: (bytes: number) => void;
}

/**
 * Copies a cluster so that crash recovery makes the copy consistent at the returned position. Throws the operating
 * system's errors.
 */
export async function copyCluster(options: CopyOptions): Promise<Result<Lsn, BackupSourceFailed>> {
  const { source, to } = options;
  await copyFile(options, FORMAT_FILE);
  await copyTree(options);
  await writeFile(join(to, CLUSTER, CONTROL_FILE), source.control, { mode: 0o600 });
  const finished = await source.finish();
  if (finished.isErr()) return err(finished.error);
  const { position, logEnd } = finished.value;
  const start = readControlFile(join(to, CLUSTER));
  if (start === null) throw new Error("The control file of the running database is invalid.");
  const { redo, walSegmentBytes } = start;
  const last = Number(logEnd) - 1;
  for (let segment = Math.floor(Number(redo) / walSegmentBytes); segment * walSegmentBytes <= last; segment++) {
    const path = join(CLUSTER, WAL, segmentFile(start, segment));
    const usedBytes = Math.min(walSegmentBytes, last + 1 - segment * walSegmentBytes);
    await copySegment(options, path, usedBytes, walSegmentBytes);
  }
  const ended = await source.end();
  if (ended.isErr()) return err(ended.error);
  const acknowledged = openAcknowledgedPosition(to);
  acknowledged.record(position);
  acknowledged.close();
  return ok(position);
}

/** Copies all directories and files of the cluster, apart from the control file and the log. */
async function copyTree(options: CopyOptions): Promise<void> {
  const pending = [CLUSTER];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    await mkdir(join(options.to, folder), { mode: 0o700 });
    for (const entry of await entriesOf(join(options.from, folder))) {
      const path = join(folder, entry.name);
      if (TEMPORARY.test(entry.name)) continue;
      if (entry.isDirectory() && folder === CLUSTER && EMPTIED.has(entry.name)) await makeEmpty(options, path);
      else if (entry.isDirectory()) pending.push(path);
      else if (entry.isFile() && !OMITTED_FILES.has(entry.name) && path !== join(CLUSTER, CONTROL_FILE)) {
        await copyFile(options, path).catch(ignoreMissing);
      }
    }
  }
}

/** A table may be dropped during the copy. The log has its end, so recovery needs no file of it. */
function ignoreMissing(thrown: unknown): void {
  if (!isMissingPath(thrown)) throw thrown;
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (thrown) {
    ignoreMissing(thrown);
    return [];
  }
}

async function makeEmpty({ from, to }: CopyOptions, folder: string): Promise<void> {
  await mkdir(join(to, folder), { mode: 0o700 });
  for (const entry of await entriesOf(join(from, folder))) {
    if (folder.endsWith(WAL) && entry.isDirectory()) await mkdir(join(to, folder, entry.name), { mode: 0o700 });
  }
}

async function copyFile(options: CopyOptions, path: string): Promise<void> {
  const source = await open(join(options.from, path), "r");
  try {
    await copyBytes(source, options, path, Infinity);
  } finally {
    await source.close();
  }
}

/** Copies the used part of a segment of the log, and fills the rest with zeros: a recycled segment has old records there. */
async function copySegment(options: CopyOptions, path: string, usedBytes: number, bytes: number): Promise<void> {
  const source = await open(join(options.from, path), "r");
  try {
    const copied = await copyBytes(source, options, path, usedBytes);
    if (copied < usedBytes) throw new Error(`${path} ends after ${copied} bytes, before the end of the backup.`);
  } finally {
    await source.close();
  }
  const target = await open(join(options.to, path), "r+");
  try {
    await target.truncate(bytes);
  } finally {
    await target.close();
  }
}

async function copyBytes(
  source: Awaited<ReturnType<typeof open>>,
  { to, signal, onCopied }: CopyOptions,
  path: string,
  maxBytes: number,
): Promise<number> {
  const target = await createPacedFile(join(to, path), diskPause);
  try {
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    let copied = 0;
    while (copied < maxBytes) {
      signal.throwIfAborted();
      const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, maxBytes - copied), copied);
      if (bytesRead === 0) break;
      await target.write(buffer.subarray(0, bytesRead));
      copied += bytesRead;
      onCopied(bytesRead);
    }
    await target.close();
    return copied;
  } catch (thrown) {
    await target.abandon();
    throw thrown;
  }
}
