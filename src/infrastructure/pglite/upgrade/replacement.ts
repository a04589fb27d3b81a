import { constants } from "node:fs";
import { copyFile, mkdir, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { err, ok, type Result } from "neverthrow";
import type { Log } from "../../../application/ports/log.ts";
import type { StopUnclean } from "../../../application/ports/storage.ts";
import { readMigrations } from "../../drizzle/read-migrations.ts";
import { formatLsn, parseLsn } from "../../sql/lsn.ts";
import type { TransferredRows } from "../../transfer/table-copy.ts";
import { countBytes, showCheck, type OnBackupProgress } from "../backup/backup-progress.ts";
import { noPause } from "../backup/pause.ts";
import { readContents, STATEMENT_DEADLINE_MS } from "../backup/scratch-engine.ts";
import { readAcknowledgedPosition } from "../directory/acknowledged-position.ts";
import { damaged, type DataDirectoryDamaged } from "../directory/cluster.ts";
import { createDirectory } from "../directory/create-directory.ts";
import { CLUSTER } from "../directory/layout.ts";
import { openEmbeddedDatabase } from "../embedded-database.ts";
import { QUIRE_SCHEMA } from "../quire-schema.ts";
import { closeUnlessOk, migratedStorage, type OpenPgliteError } from "../storage.ts";
import { load, schemaOf, type LoadProgress, type UpgradeDiffers } from "./load.ts";
import { openOldDatabase, type OldDatabase } from "./old-database.ts";
import type { OldRelease } from "./old-releases.ts";

export type ReplacementError = OpenPgliteError | StopUnclean | UpgradeDiffers;

export interface ReplacementOptions extends Pick<OldRelease, "databases"> {
  /** The absolute path of the data directory, which this process has locked. Nothing in it is changed. */
  readonly directory: string;
  /** The directory of the package of the older PGlite. */
  readonly pglite: string;
  /** The size of the old cluster in bytes. */
  readonly size: number;
  /** The folder of the migrations that drizzle-kit has generated. */
  readonly migrations: string;
  readonly freeSpaceBytes: number;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onProgress: OnBackupProgress;
  readonly onLoaded: (progress: LoadProgress) => void;
}

export interface Replacement {
  /** The path of the new cluster. It is complete, shut down, and not flushed. */
  readonly cluster: string;
  readonly tables: readonly TransferredRows[];
}

/** Creates a cluster of this PostgreSQL with all rows of an older one, in an empty directory. Throws the errors of the drivers. */
export async function createReplacement(
  directory: string,
  options: ReplacementOptions,
): Promise<Result<Replacement, ReplacementError>> {
  const { pglite, databases, signal, onProgress, size } = options;
  const old = join(directory, "old");
  const replacement = join(directory, "new");
  await copyTree(join(options.directory, CLUSTER), old, signal, countBytes("copy", size, onProgress));
  const source = await openOldDatabase({ pglite, databases, cluster: old, directory: options.directory });
  if (source.isErr()) return err(source.error);
  const kill = () => void source.value.kill();
  signal.addEventListener("abort", kill);
  try {
    signal.throwIfAborted();
    const complete = await checkAcknowledged(options.directory, source.value);
    if (complete.isErr()) return err(complete.error);
    const tables = await loadInto(replacement, source.value, options);
    if (tables.isErr()) return err(tables.error);
    const checking = { signal, pause: noPause, onRead: showCheck(onProgress) };
    const checked = await readContents(replacement, checking);
    return checked.map(() => ({ cluster: join(replacement, CLUSTER), tables: tables.value }));
  } finally {
    signal.removeEventListener("abort", kill);
    await source.value.kill();
  }
}

/** Copies all files of a stopped cluster, which share their blocks with the originals if the file system can do that. */
async function copyTree(
  from: string,
  to: string,
  signal: AbortSignal,
  onCopied: (bytes: number) => void,
): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  for (const path of await readdir(from, { recursive: true })) {
    signal.throwIfAborted();
    const [original, copy] = [join(from, path), join(to, path)];
    const found = await stat(original);
    if (found.isDirectory()) await createDirectory(copy);
    else if (found.isFile()) {
      await createDirectory(dirname(copy));
      await copyFile(original, copy, constants.COPYFILE_FICLONE);
      onCopied(found.size);
    }
  }
}

/** PostgreSQL treats the first unreadable record as the end of its log. All acknowledged writes must be before its end. */
async function checkAcknowledged(directory: string, source: OldDatabase): Promise<Result<void, DataDirectoryDamaged>> {
  const needed = readAcknowledgedPosition(directory);
  const [row] = await source.select("select pg_current_wal_insert_lsn()::text");
  const end = parseLsn(row?.[0] ?? "");
  if (end === null) throw new Error("PostgreSQL gives no position of its write-ahead log.");
  if (needed === null || needed <= end) return ok();
  return damaged(directory, { kind: "log_ends_early", endsAt: formatLsn(end), neededUntil: formatLsn(needed) });
}

/** Loads the rows into a new data directory, and applies the migrations that the old database lacks. */
async function loadInto(
  directory: string,
  source: OldDatabase,
  { migrations, freeSpaceBytes, log, signal, onLoaded }: ReplacementOptions,
): Promise<Result<readonly TransferredRows[], ReplacementError>> {
  const shipped = await readMigrations(migrations);
  if (shipped.isErr()) return err(shipped.error);
  const schema = await schemaOf(source, shipped.value);
  if (schema.isErr()) return err(schema.error);
  const limits = { durability: "fsync", freeSpaceBytes, statementDeadlineMs: STATEMENT_DEADLINE_MS } as const;
  const opened = await openEmbeddedDatabase({ directory, ...limits, schema: QUIRE_SCHEMA, log });
  if (opened.isErr()) return err(opened.error);
  const { client, changeSchema, close } = opened.value;
  const loaded = await closeUnlessOk<readonly TransferredRows[], ReplacementError>(opened.value, log, async () => {
    const rows = await load(source, opened.value, { migrations: schema.value, signal, onProgress: onLoaded });
    if (rows.isErr()) return err(rows.error);
    const migrated = await migratedStorage(client, migrations, { changeSchema, log });
    return migrated.map(() => rows.value);
  });
  if (loaded.isErr()) return err(loaded.error);
  return (await close()).map(() => loaded.value);
}
