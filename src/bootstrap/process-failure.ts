import type { StopUnclean } from "../application/ports/storage.ts";
import type { EnsureAdminError } from "../application/users/ensure-admin.ts";
import { describeError, withoutPasswords } from "../infrastructure/node/describe-error.ts";
import { visibleLines } from "../infrastructure/node/visible-text.ts";
import type { BackupError } from "../infrastructure/pglite/backup/back-up.ts";
import type { RestoreError } from "../infrastructure/pglite/backup/restore.ts";
import type { EngineGaveUp } from "../infrastructure/pglite/client/supervisor.ts";
import type { DataDirectoryGone } from "../infrastructure/pglite/directory/removal-detector.ts";
import type { TransferError } from "../infrastructure/transfer/transfer.ts";
import type { CommandFailure } from "../interfaces/cli/command-failure.ts";
import type { ListenFailed } from "../interfaces/node/http-server.ts";
import type { ExplanationsOf } from "./explanation.ts";
import { BACKUP_EXPLANATIONS } from "./backup-failure.ts";
import type {
  BackupByServerTools,
  BackupLocationInvalid,
  BackupMissing,
  BackupStoreFailed,
} from "./backup-location.ts";
import type { ConfigInvalid } from "./config.ts";
import { MAINTENANCE_EXPLANATIONS, type DoneByServerTools, type ReindexCancelled } from "./maintenance-failure.ts";
import type { CompactionCancelled } from "../infrastructure/pglite/compaction.ts";
import type { UpgradeError } from "../infrastructure/pglite/upgrade/upgrade.ts";
import type { VerifyError } from "../infrastructure/pglite/verification/verify.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import {
  damageRemedy,
  describeIncompatible,
  describeAmount,
  describeDamage,
  describeCodeLocation,
  isSystemError,
  lastLogLines,
  missingPermission,
} from "./failure-details.ts";
import type { OpenStorageError } from "./open-storage.ts";

/** The reasons why the server does not start, the server ends, or a command fails. */
export type ProcessFailure =
  | ConfigInvalid
  | OpenStorageError
  | TransferError
  | BackupError
  | RestoreError
  | VerifyError
  | UpgradeError
  | DoneByServerTools
  | CompactionCancelled
  | ReindexCancelled
  | BackupByServerTools
  | BackupMissing
  | BackupLocationInvalid
  | BackupStoreFailed
  | EnsureAdminError
  | ListenFailed
  | EngineGaveUp
  | DataDirectoryGone
  | StopUnclean
  | CommandFailure
  | ProgramFailed;

/** An exception that nothing caught: from the operating system, or from a defect of the program. */
export interface ProgramFailed {
  readonly kind: "program_failed";
  readonly cause: unknown;
}

export interface Explanation {
  readonly exitCode: ExitCode;
  /** The message for the person who started the program: the event, and the next step. */
  readonly message: string;
}

/**
 * Returns the exit code and the text of a failure. The text holds no password, no SQL and no control characters of a
 * terminal.
 */
export function explain(failure: ProcessFailure): Explanation {
  const explanation = EXPLANATIONS[failure.kind] as (failure: ProcessFailure) => readonly [ExitCode, string];
  const [exitCode, message] = explanation(failure);
  return { exitCode, message: visibleLines(withoutPasswords(message)) };
}

type Explanations = ExplanationsOf<ProcessFailure>;

const NOTHING_LOST = "No acknowledged write is lost; the next start replays the write-ahead log.";

const PURPOSES = {
  create: "a new database",
  migrate: "a migration of the schema",
  back_up: "the copy for a backup or a verification",
  compact: "the compact copy of a table, and its log,",
  upgrade: "the copies for an upgrade",
};

/** The permissions that the server needs in Deno. */
const DENO_PERMISSIONS = "--allow-net --allow-read --allow-write --allow-env --allow-sys --allow-ffi";

const EXPLANATIONS: Explanations = {
  config_invalid: ({ problems }) => [
    EXIT.config,
    `The configuration is invalid:\n${problems.map(({ variable, detail }) => `  ${variable} ${detail}`).join("\n")}`,
  ],

  data_directory_in_use: ({ directory, holder }) => [
    EXIT.inUse,
    `The data directory ${directory} is in use by ${holder === null ? "another process" : `process ${holder.pid} on ${holder.host}, since ${holder.since}`}. Stop that process, or set QUIRE_DATA_DIR to another directory.`,
  ],
  data_directory_foreign: ({ directory, found }) => [
    EXIT.cannotCreate,
    `The directory ${directory} is not empty and holds no Quire data (it holds ${found.join(", ")}), so nothing was written to it. Set QUIRE_DATA_DIR to an empty or new directory.`,
  ],
  data_directory_damaged: ({ directory, damage }) => [
    EXIT.dataError,
    `The data directory ${directory} is damaged: ${describeDamage(damage)}. ${damage.kind === "index_damaged" ? "The write-ahead log was replayed; nothing else in it was changed" : "Nothing in it was changed"}. Copy the directory as it is, then restore it from a backup, or set QUIRE_DATA_DIR to another directory.${damageRemedy(damage)}`,
  ],
  data_directory_incompatible: (failure) => [EXIT.config, describeIncompatible(failure)],
  data_directory_unusable: ({ directory, cause }) => [
    EXIT.io,
    `The data directory ${directory} cannot be used: ${describeError(cause)}. Check that this user may write to it, and that its disk has free space.`,
  ],
  data_directory_gone: ({ directory }) => [
    EXIT.io,
    `The data directory ${directory} has disappeared: it was removed, renamed or unmounted while Quire was running. Put it back, or restore it from a backup, then start Quire again.`,
  ],
  descriptors_too_few: ({ limit, needed, recommended }) => [
    EXIT.config,
    `This process may have ${limit} files open, and Quire needs ${needed}. Raise the limit: ulimit -n ${recommended} in a shell, LimitNOFILE=${recommended} for systemd, --ulimit nofile=${recommended} for Docker.`,
  ],
  kernel_lock_unavailable: ({ runtime, platform }) => [
    EXIT.config,
    `The embedded database is supported in ${runtime} on Linux only, and this is ${platform}. Start Quire in Node.js, or set DATABASE_URL to a PostgreSQL server.`,
  ],
  disk_too_small: ({ directory, purpose, resource, free, needed }) => [
    EXIT.io,
    `The disk of ${directory} has ${describeAmount(free, resource)} free, and ${PURPOSES[purpose]} needs ${describeAmount(needed, resource)}. Free some space, or set QUIRE_DATA_DIR to a directory on another disk. QUIRE_FREE_SPACE_MIB is the amount that Quire always keeps free.`,
  ],
  no_database: ({ location }) => [
    EXIT.config,
    `There is no Quire database in ${location}, and none was created. Set QUIRE_DATA_DIR or DATABASE_URL (--from for a move) to the database of the server. To create a new one, use: quire user create --new-database`,
  ],

  engine_not_started: (failure) => [
    EXIT.io,
    `PostgreSQL does not start in ${failure.directory}: ${failure.detail}. Nothing in the directory was deleted.${lastLogLines(failure)}`,
  ],
  engine_gave_up: ({ failures, cause }) => [
    cause.kind === "cluster_damaged" ? EXIT.dataError : EXIT.io,
    `PostgreSQL failed ${failures === 1 ? "once" : `${failures} times`} and is not restarted again: ${cause.kind === "cluster_damaged" ? describeDamage(cause.damage) : cause.detail}. All acknowledged writes are in the data directory; nothing in it was deleted.${lastLogLines(cause)}`,
  ],
  stop_unclean: ({ detail }) => [EXIT.io, `PostgreSQL did not shut down cleanly: ${detail}. ${NOTHING_LOST}`],

  database_unreachable: ({ waitedMs, cause }) => [
    EXIT.unavailable,
    `The database could not be reached within ${Math.round(waitedMs / 1000)} s: ${describeError(cause)}. Check DATABASE_URL, and that the server is running. DATABASE_START_TIMEOUT_MS is how long a start waits.`,
  ],
  database_refused: ({ cause }) => [
    EXIT.config,
    `The database refused the connection or a statement: ${describeError(cause)}. Check DATABASE_URL and the privileges of its role (docs/postgresql.md).`,
  ],
  database_unsuitable: ({ detail }) => [EXIT.config, detail],
  migrations_unreadable: ({ folder, cause }) => [
    EXIT.software,
    `The migrations in ${folder} cannot be read: ${describeError(cause)}. Reinstall Quire.`,
  ],
  migration_drift: ({ drift, migration }) => [EXIT.config, DRIFT_MESSAGES[drift](migration)],

  transfer_target_not_empty: ({ location, table }) => [
    EXIT.cannotCreate,
    `${location} already has rows in ${table}, so nothing was copied. Use an empty database or a new directory.`,
  ],
  transfer_target_of_another: ({ location, from }) => [
    EXIT.cannotCreate,
    `${location} holds an unfinished copy of ${from}. Complete that move first, or use another target.`,
  ],
  transfer_interrupted: ({ isCancelled, cause }) =>
    isCancelled
      ? [
          EXIT.interrupted,
          "Cancelled. The copied rows stay in the target. Run it again; it continues where it stopped.",
        ]
      : [EXIT.io, `The move was interrupted: ${describeError(cause)}. Run it again; it continues where it stopped.`],
  transfer_differs: ({ from, to }) => [
    EXIT.dataError,
    `After the move the table ${from.table} differs: the source has ${from.rows} rows with the checksum ${from.checksum}, the target ${to.rows} with ${to.checksum}. One of the two was written to during the move. Stop every Quire on both, then move to an empty target.`,
  ],

  ...BACKUP_EXPLANATIONS,
  ...MAINTENANCE_EXPLANATIONS,

  listen_failed: ({ host, port, cause }) => [
    EXIT.unavailable,
    `Cannot listen on ${host}:${port}: ${describeError(cause)}. Choose another address with HOST and PORT; PORT=0 picks a free port.`,
  ],
  email_taken: () => [
    EXIT.config,
    "A user with this e-mail address already exists. Use another address (QUIRE_ADMIN_EMAIL for the first admin, --email for other users), or make that user an admin: quire user role <address> admin",
  ],
  password_hashing_failed: ({ cause }) => [EXIT.software, `The password cannot be hashed: ${describeError(cause)}.`],
  password_hashing_busy: () => [EXIT.unavailable, "Too many passwords are being hashed. Try again."],

  storage_failure: ({ reason, operation, cause }) => [
    EXIT.io,
    `The database failed (${reason}) in ${operation}: ${describeError(cause)}.`,
  ],

  command_line_invalid: ({ detail }) => [EXIT.usage, detail],
  answer_refused: ({ answer, detail }) => [EXIT.usage, `The ${answer} is invalid. ${detail}`],
  input_refused: ({ detail }) => [EXIT.usage, detail],
  prompt_cancelled: () => [EXIT.interrupted, "Cancelled. Nothing was changed."],
  user_not_found: () => [EXIT.dataError, "No user has this e-mail address or id. List all users with: quire user list"],
  version_conflict: () => [
    EXIT.dataError,
    "Other requests changed the user at the same time, several times. Nothing was changed. Run the command again.",
  ],
  precondition_failed: () => [
    EXIT.dataError,
    "Another request changed the user at the same time. Nothing was changed. Run the command again.",
  ],
  forbidden: () => [EXIT.dataError, "The operator may not do this."],
  current_password_required: () => [EXIT.dataError, "The current password is missing."],
  wrong_password: () => [EXIT.dataError, "The current password is wrong."],
  last_admin: () => [
    EXIT.dataError,
    "This user is the last admin. Make another user an admin first: quire user role <user> admin",
  ],

  program_failed: ({ cause }) => {
    const refused = missingPermission(cause);
    if (refused !== null)
      return [EXIT.config, `Deno refused: ${describeError(refused)}. Start Quire with: deno run ${DENO_PERMISSIONS}`];
    return isSystemError(cause)
      ? [EXIT.io, `The operating system refused: ${describeError(cause)}. ${NOTHING_LOST}`]
      : [
          EXIT.software,
          `This is a defect of Quire: ${describeError(cause)}${describeCodeLocation(cause)}. ${NOTHING_LOST}`,
        ];
  },
};

const DRIFT_MESSAGES = {
  contracted: (migration: string) =>
    `A newer version of Quire has changed this database with its migration of ${migration}, and this version needs what that migration removed. Run the newer version, or restore the backup from before the upgrade.`,
  unknown: (migration: string) =>
    `The database has the migration ${migration}, which this version of Quire does not have, between migrations that it has. Run the version that applied it, or restore the backup from before.`,
  foreign: (migration: string) =>
    `The table drizzle.__drizzle_migrations holds migrations of another application (the newest of ${migration}). Use a separate database for Quire.`,
  changed: (migration: string) =>
    `The migration ${migration} was applied to the database with other contents than it has now. Restore the released file, and put changes into a new migration.`,
  newer: (migration: string) =>
    `A newer version of Quire has changed this database with its migration of ${migration}. Upgrade it with that version or a newer one.`,
  out_of_order: (migration: string) =>
    `The migration ${migration} is older than one that is already applied, so it would be skipped. Generate it again, so that it comes last.`,
};
