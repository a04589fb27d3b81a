import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { POSTGRESQL_MAJOR } from "../directory/format.ts";
import { ACKNOWLEDGED_FILE, CLUSTER, FORMAT_FILE, RELATION_FILES_FILE } from "../directory/layout.ts";
import { readControlFile } from "../integrity/control-file.ts";
import { endOfWal, segmentFile } from "../integrity/write-ahead-log.ts";
import { extractArchive, writeArchive } from "./archive.ts";
import { countBytes, showCheck } from "./backup-progress.ts";
import type { BackupStore } from "./backup-store.ts";
import { copyDatabase, type CopyDatabaseError, type CopyDatabaseOptions } from "./copy-database.ts";
import { compareContents, type CopyFailed } from "./compare-contents.ts";
import { BACKUP_FORMAT, type Manifest } from "./manifest.ts";
import { diskPause, regularPauses } from "./pause.ts";
import { recordProven } from "./proven-record.ts";
import { inScratch, type ScratchDirectory } from "./scratch-directory.ts";
import { readContents } from "./scratch-engine.ts";

/** The backup could not be written, or was cancelled. Nothing of it remains. */
export interface BackupInterrupted {
  readonly kind: "backup_interrupted";
  readonly isCancelled: boolean;
  readonly location: string;
  readonly cause: unknown;
}

/** The copy of the database, or the backup that was restored for the proof, is not usable. The backup was removed. */
export interface BackupNotProven {
  readonly kind: "backup_not_proven";
  readonly location: string;
  readonly cause: CopyFailed;
}

export type BackupError = CopyDatabaseError | BackupInterrupted | BackupNotProven;

export interface BackupOptions extends CopyDatabaseOptions {
  readonly store: BackupStore;
  readonly name: string;
  /** The version of this program. */
  readonly program: string;
  readonly createdAt: Date;
}

/**
 * Backs up a data directory and proves the backup. The files are first copied beside the database, which takes no time of
 * its engine. An engine of its own replays the log of the copy and reads every row. The copy is written to the store, then
 * read back, restored, and compared with its manifest. Only then the backup gets its name.
 */
export async function backUp(options: BackupOptions): Promise<Result<Manifest, BackupError>> {
  const { directory, store, name, signal } = options;
  const interrupted = (cause: unknown) =>
    fail({ kind: "backup_interrupted", isCancelled: signal.aborted, location: store.locationOf(name), cause } as const);
  try {
    const proven = await inScratch(directory, async (scratch) => backUpIn(scratch, options));
    if (proven.isOk()) {
      await recordProven(directory, { createdAt: proven.value.createdAt, location: store.locationOf(name) });
    }
    return proven;
  } catch (cause) {
    return interrupted(cause);
  }
}

async function backUpIn(scratch: ScratchDirectory, options: BackupOptions): Promise<Result<Manifest, BackupError>> {
  const { store, name, program, createdAt, signal, onProgress } = options;
  const notProven = (cause: CopyFailed) =>
    fail({ kind: "backup_not_proven", location: store.locationOf(name), cause } as const);
  const copied = await copyDatabase(scratch, { ...options, beforeCopy: async () => store.prepare(name) });
  if (copied.isErr()) return err(copied.error);
  const { copy, lsn, bytes } = copied.value;
  const checking = { signal, pause: regularPauses(signal), onRead: showCheck(onProgress) };
  const contents = await readContents(copy, checking);
  if (contents.isErr()) return notProven(contents.error);
  const manifest = {
    format: BACKUP_FORMAT,
    program,
    createdAt: createdAt.toISOString(),
    postgresql: POSTGRESQL_MAJOR,
    lsn,
    ...contents.value,
  };
  try {
    const onRead = countBytes("write", bytes, onProgress);
    const write = async (archive: AsyncIterable<Buffer>) => store.write(name, archive);
    await writeArchive(copy, await archivedPaths(copy), manifest, write, { signal, onRead });
    await scratch.clear();
    const proven = await prove(scratch, bytes, options);
    if (proven.isErr()) {
      await store.discard(name);
      return notProven(proven.error);
    }
    await store.accept(name);
    return ok(proven.value);
  } catch (thrown) {
    await store.discard(name);
    throw thrown;
  }
}

/** Restores the backup that was just written, and compares it with its manifest. */
async function prove(
  scratch: ScratchDirectory,
  bytes: number,
  { store, name, signal, onProgress }: BackupOptions,
): Promise<Result<Manifest, CopyFailed>> {
  const restored = join(scratch.path, "restored");
  await mkdir(restored, { mode: 0o700 });
  const onWritten = countBytes("read", bytes, onProgress);
  const extracting = { signal, pause: diskPause, onWritten };
  const extracted = await extractArchive(await store.readUnproven(name), restored, extracting);
  if (extracted.isErr()) return err(extracted.error);
  const checking = { signal, pause: regularPauses(signal), onRead: showCheck(onProgress) };
  return compareContents(restored, extracted.value, checking);
}

/** The files of a data directory that belong to a backup, sorted, so that a directory comes before its files. */
async function archivedPaths(directory: string): Promise<readonly string[]> {
  const cluster = join(directory, CLUSTER);
  const control = readControlFile(cluster);
  if (control === null) throw new Error("The control file of the copy is invalid.");
  // PostgreSQL prepares later segments of the log, which have no records yet.
  const lastSegment = Math.floor((Number(endOfWal(cluster, control)) - 1) / control.walSegmentBytes);
  const firstSegment = Math.floor(Number(control.redo) / control.walSegmentBytes);
  const first = segmentFile(control, firstSegment);
  const last = segmentFile(control, lastSegment);
  const isNeeded = (path: string) => {
    const segment = /^pg_wal\/([0-9A-F]{24})$/.exec(path)?.[1];
    return segment === undefined || (segment >= first && segment <= last);
  };
  const inCluster = (await readdir(cluster, { recursive: true })).filter(isNeeded).toSorted();
  return [
    FORMAT_FILE,
    ACKNOWLEDGED_FILE,
    RELATION_FILES_FILE,
    CLUSTER,
    ...inCluster.map((path) => `${CLUSTER}/${path}`),
  ];
}
