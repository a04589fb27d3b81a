import { existsSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import type { TransferredRows } from "../../transfer/table-copy.ts";
import type { OnBackupProgress } from "../backup/backup-progress.ts";
import type { BackupSourceFailed } from "../backup/backup-source.ts";
import { sizeOf } from "../backup/copy-database.ts";
import { inScratch, type ScratchDirectory } from "../backup/scratch-directory.ts";
import { claimDataDirectory } from "../directory/claim.ts";
import { checkFormat, damaged, fsyncTree, writeFormat } from "../directory/cluster.ts";
import { checkSpaceForCopy } from "../directory/disk-space.ts";
import { FORMAT, POSTGRESQL_MAJOR } from "../directory/format.ts";
import { BEFORE_UPGRADE, CLUSTER } from "../directory/layout.ts";
import { commitUpgrade, finishUpgrade } from "../directory/upgraded-cluster.ts";
import { compareRelationFiles } from "../integrity/relation-files.ts";
import type { LoadProgress } from "./load.ts";
import { findOldPackage, installOldPackage, type OldPackageUnavailable, type OldPackageWrong } from "./old-package.ts";
import { OLD_RELEASES, type OldRelease } from "./old-releases.ts";
import { createReplacement, type ReplacementError, type ReplacementOptions } from "./replacement.ts";

/** A data directory that has the PostgreSQL of this program. */
export interface Upgrade {
  readonly directory: string;
  /** The major version that the cluster has now. */
  readonly postgresql: number;
  /** The major version from before; `null` if this call has not read the old database. */
  readonly from: number | null;
  /** The directory that keeps the old database; `null` if nothing was upgraded. */
  readonly kept: string | null;
  /** The tables that were loaded and compared. */
  readonly tables: readonly TransferredRows[];
}

/** The cluster has a PostgreSQL that this program cannot take over. Nothing was changed. */
export interface UpgradeUnsupported {
  readonly kind: "upgrade_unsupported";
  readonly directory: string;
  readonly format: number;
  readonly postgresql: number;
}

/** The old database of an earlier upgrade is still kept. Nothing was changed. */
export interface OldDatabaseKept {
  readonly kind: "old_database_kept";
  readonly kept: string;
}

/** The upgrade failed or was cancelled. The old database is as it was. */
export interface UpgradeInterrupted {
  readonly kind: "upgrade_interrupted";
  readonly directory: string;
  readonly isCancelled: boolean;
  readonly cause: unknown;
}

export type UpgradeError =
  | UpgradeUnsupported
  | OldDatabaseKept
  | OldPackageUnavailable
  | OldPackageWrong
  | BackupSourceFailed
  | ReplacementError
  | UpgradeInterrupted;

export interface UpgradeOptions extends Omit<
  ReplacementOptions,
  "pglite" | "databases" | "size" | "onProgress" | "onLoaded"
> {
  /** A directory with the package of the older PGlite; `null` to install it from the registry of npm. */
  readonly pglite: string | null;
  readonly onProgress: (progress: Parameters<OnBackupProgress>[0] | ({ readonly step: "load" } & LoadProgress)) => void;
}

/**
 * Upgrades a data directory of an older PostgreSQL: the PostgreSQL that made it reads a copy, and a new cluster gets all rows. The
 * new one replaces the old one after the comparison, and the old one is kept as it was. An interruption before that leaves the
 * old one in place.
 */
export async function upgrade(options: UpgradeOptions): Promise<Result<Upgrade, UpgradeError>> {
  const { directory, signal } = options;
  const claimed = await claimDataDirectory(directory);
  if (claimed.isErr()) return err(claimed.error);
  try {
    return await upgradeClaimed(options);
  } catch (cause) {
    return fail({ kind: "upgrade_interrupted", directory, isCancelled: signal.aborted, cause });
  } finally {
    claimed.value.release();
  }
}

async function upgradeClaimed(options: UpgradeOptions): Promise<Result<Upgrade, UpgradeError>> {
  const { directory, freeSpaceBytes } = options;
  const kept = join(directory, BEFORE_UPGRADE);
  const wasInterrupted = await finishUpgrade(directory);
  const readable = await checkFormat(directory);
  if (readable.isOk()) {
    // An upgrade that was killed after its last step has left its copies.
    const cleared = wasInterrupted ? await inScratch(directory, async () => ok()) : ok();
    const upgraded = { directory, postgresql: POSTGRESQL_MAJOR, from: null, kept: wasInterrupted ? kept : null };
    return cleared.map(() => ({ ...upgraded, tables: [] }));
  }
  if (readable.error.kind === "data_directory_damaged") return err(readable.error);
  const { format, postgresql } = readable.error;
  const release = format === FORMAT ? OLD_RELEASES.get(postgresql) : undefined;
  if (release === undefined) return fail({ kind: "upgrade_unsupported", directory, format, postgresql });
  if (existsSync(kept)) return fail({ kind: "old_database_kept", kept });
  const damage = compareRelationFiles(directory, null);
  if (damage !== null) return damaged(directory, damage);
  const size = await sizeOf(join(directory, CLUSTER));
  const needed = { bytes: 2 * size.bytes + OVERHEAD_BYTES, files: 2 * size.files + OVERHEAD_FILES };
  const space = checkSpaceForCopy(directory, needed, freeSpaceBytes, "upgrade");
  if (space.isErr()) return err(space.error);
  const tables = await inScratch(directory, async (scratch) => replaceCluster(scratch, release, size.bytes, options));
  return tables.map((compared) => ({
    directory,
    postgresql: POSTGRESQL_MAJOR,
    from: postgresql,
    kept,
    tables: compared,
  }));
}

/** The package of the older PGlite, an empty cluster, its write-ahead log and its reserve. */
const OVERHEAD_BYTES = 256 * 1_048_576;
const OVERHEAD_FILES = 2000;

async function replaceCluster(
  scratch: ScratchDirectory,
  release: OldRelease,
  size: number,
  options: UpgradeOptions,
): Promise<Result<readonly TransferredRows[], UpgradeError>> {
  const { directory, signal, onProgress } = options;
  const pglite = await packageOf(release, scratch, options);
  if (pglite.isErr()) return err(pglite.error);
  const replaced = await createReplacement(scratch.path, {
    ...options,
    pglite: pglite.value,
    databases: release.databases,
    size,
    onProgress,
    onLoaded: (progress) => onProgress({ step: "load", ...progress }),
  });
  if (replaced.isErr()) return err(replaced.error);
  const { cluster, tables } = replaced.value;
  fsyncTree(cluster);
  signal.throwIfAborted();
  await commitUpgrade(cluster, directory);
  await writeFormat(directory);
  return ok(tables);
}

async function packageOf(
  release: OldRelease,
  scratch: ScratchDirectory,
  { pglite, signal, onProgress }: UpgradeOptions,
) {
  if (pglite !== null) return findOldPackage(release, pglite);
  onProgress({ step: "install", bytes: 0, total: 0 });
  return installOldPackage(release, join(scratch.path, "pglite"), signal);
}
