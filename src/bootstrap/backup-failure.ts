import { describeError } from "../infrastructure/node/describe-error.ts";
import type { BackupInterrupted, BackupNotProven } from "../infrastructure/pglite/backup/back-up.ts";
import type { BackupSourceFailed } from "../infrastructure/pglite/backup/backup-source.ts";
import type { CopyFailed } from "../infrastructure/pglite/backup/compare-contents.ts";
import type {
  BackupDamaged,
  BackupTooNew,
  BackupTooOld,
  RestoreInterrupted,
  RestoreTargetNotEmpty,
} from "../infrastructure/pglite/backup/restore.ts";
import type {
  BackupByServerTools,
  BackupLocationInvalid,
  BackupMissing,
  BackupStoreFailed,
} from "./backup-location.ts";
import { EXIT } from "./exit-codes.ts";
import { describeDamage } from "./failure-details.ts";
import type { ExplanationsOf } from "./explanation.ts";

type BackupFailure =
  | BackupSourceFailed
  | BackupInterrupted
  | BackupNotProven
  | BackupByServerTools
  | BackupMissing
  | BackupLocationInvalid
  | BackupStoreFailed
  | BackupDamaged
  | BackupTooNew
  | BackupTooOld
  | RestoreInterrupted
  | RestoreTargetNotEmpty;

/** The exit codes and texts of failures of a backup or a restoration. */
export const BACKUP_EXPLANATIONS: ExplanationsOf<BackupFailure> = {
  backup_source_failed: ({ directory, reason, detail }) => [
    reason === "busy" ? EXIT.inUse : EXIT.io,
    `The data directory ${directory} cannot be copied now: ${detail}. Nothing was copied. ${reason === "busy" ? "If another command or an older version of Quire uses the directory, wait until it ends, or stop it." : "Run the command again; the log of the server has the reason."}`,
  ],
  backup_interrupted: ({ isCancelled, location, cause }) =>
    isCancelled
      ? [EXIT.interrupted, "Cancelled. No backup was made, and nothing of it remains."]
      : [EXIT.io, `The backup to ${location} failed: ${describeError(cause)}. Nothing of it remains.`],
  backup_not_proven: ({ location, cause }) => [
    EXIT.dataError,
    `The backup to ${location} is not usable and was removed: ${describeCopyFailure(cause)}. Run it again. If it fails again, stop the server and start it, which checks the data directory.`,
  ],
  backup_by_server_tools: ({ location }) => [
    EXIT.usage,
    `The database is on a PostgreSQL server (${location}), which has its own tools for backups. Use:\n  pg_dump --format=custom --file=quire.dump "$DATABASE_URL"\nand to restore into an empty database:\n  pg_restore --no-owner --exit-on-error --dbname="$DATABASE_URL" quire.dump`,
  ],
  backup_missing: ({ location }) => [
    EXIT.config,
    `There is no backup at ${location}. --from is a backup, or a directory with backups named quire-<time>.tar.gz.`,
  ],
  backup_location_invalid: ({ location, detail }) => [
    EXIT.config,
    `The location ${location} is no place for backups: ${detail}.`,
  ],
  backup_store_failed: ({ location, cause }) => [
    EXIT.io,
    `The backups at ${location} cannot be used: ${describeError(cause)}.`,
  ],
  backup_damaged: ({ location, cause }) => [
    EXIT.dataError,
    `The backup ${location} is not whole: ${describeCopyFailure(cause)}. Nothing was restored. Restore another backup.`,
  ],
  backup_too_new: ({ location, program }) => [
    EXIT.config,
    `The backup ${location} has a newer schema than this version of Quire knows. Nothing was restored. Restore it with Quire ${program} or a later version.`,
  ],
  backup_too_old: ({ location, program, postgresql }) => [
    EXIT.config,
    `The backup ${location} has PostgreSQL ${postgresql}, which only an older version of Quire restores. Nothing was restored. Restore it with Quire ${program}, then run quire upgrade of this version on the restored directory.`,
  ],
  restore_interrupted: ({ isCancelled, location, cause }) =>
    isCancelled
      ? [EXIT.interrupted, "Cancelled. Nothing was restored."]
      : [
          EXIT.io,
          `The backup ${location} cannot be restored: ${describeError(cause)}. Nothing of it remains in the target.`,
        ],
  restore_target_not_empty: ({ directory, found }) => [
    EXIT.cannotCreate,
    `The directory ${directory} is not empty (it holds ${found.slice(0, 5).join(", ")}), so nothing was restored. Use a new or empty directory.`,
  ],
};

function describeCopyFailure(failure: CopyFailed): string {
  switch (failure.kind) {
    case "archive_damaged":
      return failure.detail;
    case "table_differs":
      return `the rows of ${failure.table} differ from its manifest`;
    case "data_directory_damaged":
      return describeDamage(failure.damage);
    case "engine_not_started":
      return `its database does not start (${failure.detail})`;
  }
}
