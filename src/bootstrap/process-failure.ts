import type { EnsureAdminError } from "../application/users/ensure-admin.ts";
import type { ConfigInvalid } from "./config.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { describeError, withoutPasswords } from "../infrastructure/node/describe-error.ts";
import { visibleLines } from "../infrastructure/node/visible-text.ts";
import { ACKNOWLEDGED_FILE } from "../infrastructure/pglite/directory/layout.ts";
import type { TransferError } from "../infrastructure/transfer/transfer.ts";
import type { Damage } from "../infrastructure/pglite/directory/damage.ts";
import type { DataDirectoryGone } from "../infrastructure/pglite/directory/removal-detector.ts";
import type { StopUnclean } from "../application/ports/storage.ts";
import type { EngineGaveUp } from "../infrastructure/pglite/client/supervisor.ts";
import type { ListenFailed } from "../interfaces/node/http-server.ts";
import type { OpenStorageError } from "./open-storage.ts";

/** Why the process does not start, or ends. */
export type ProcessFailure =
  | ConfigInvalid
  | OpenStorageError
  | TransferError
  | EnsureAdminError
  | ListenFailed
  | EngineGaveUp
  | DataDirectoryGone
  | StopUnclean
  | ProgramFailed;

/** Something was thrown that nothing had a place for: by the system that the program runs on, or by a defect of it. */
export interface ProgramFailed {
  readonly kind: "program_failed";
  readonly cause: unknown;
}

export interface Explanation {
  readonly exitCode: ExitCode;
  /** What is wrong and what to do, for the person who started the program. */
  readonly message: string;
}

/** What is printed of a failure: sentences, whatever its cause is. */
export function explain(failure: ProcessFailure): Explanation {
  const { exitCode, message } = explanationOf(failure);
  return { exitCode, message: visibleLines(withoutPasswords(message)) };
}

function explanationOf(failure: ProcessFailure): Explanation {
  switch (failure.kind) {
    case "config_invalid": {
      const lines = failure.problems.map(({ variable, detail }) => `  ${variable} ${detail}`);
      return { exitCode: EXIT.config, message: `The configuration is wrong:\n${lines.join("\n")}` };
    }
    case "data_directory_in_use": {
      const { directory, holder } = failure;
      const who =
        holder === null ? "another process" : `process ${holder.pid} on ${holder.host}, since ${holder.since}`;
      return {
        exitCode: EXIT.inUse,
        message: `The data directory ${directory} is in use by ${who}. Stop that process, or name another directory with QUIRE_DATA_DIR.`,
      };
    }
    case "descriptors_too_few":
      return {
        exitCode: EXIT.config,
        message: `This process may have ${failure.limit} files open, and Quire needs ${failure.needed}. Raise the limit: ulimit -n ${failure.recommended} in a shell, LimitNOFILE=${failure.recommended} for systemd, --ulimit nofile=${failure.recommended} for Docker.`,
      };
    case "disk_too_small": {
      const { directory, purpose, resource } = failure;
      const [free, needed] = [failure.free, failure.needed].map((amount) => amountOf(amount, resource));
      const task = purpose === "create" ? "a new database needs" : "an update of the database's schema needs";
      return {
        exitCode: EXIT.io,
        message: `The disk of ${directory} has ${free} free, and ${task} ${needed}. Free some, or name a directory on another disk with QUIRE_DATA_DIR; QUIRE_FREE_SPACE_MIB is how much is always kept free.`,
      };
    }
    case "data_directory_gone":
      return {
        exitCode: EXIT.io,
        message: `The data directory ${failure.directory} is not there any more: it was removed, renamed or unmounted while Quire ran. Put it back as it was, or restore it from a backup, then start again.`,
      };
    case "no_database":
      return {
        exitCode: EXIT.config,
        message: `There is no database of Quire in ${failure.place}, and none was made. Name the one that the server uses with QUIRE_DATA_DIR or DATABASE_URL (with --from for a move). user create --new-database makes one.`,
      };
    case "data_directory_foreign":
      return {
        exitCode: EXIT.cannotCreate,
        message: `The directory ${failure.directory} holds something else (${failure.found.join(", ")}), so nothing was written to it. Name an empty or a new directory with QUIRE_DATA_DIR.`,
      };
    case "data_directory_damaged":
      return {
        exitCode: EXIT.dataError,
        message: `The data directory ${failure.directory} is damaged: ${describeDamage(failure.damage)}. ${failure.damage.kind === "index_damaged" ? "Its log was replayed, and nothing else in it was changed" : "Nothing in it was changed"}. Copy it as it is, then restore it from a backup, or name another directory with QUIRE_DATA_DIR.${remedy(failure.damage)}`,
      };
    case "data_directory_incompatible":
      return {
        exitCode: EXIT.config,
        message: `The data directory ${failure.directory} is of format ${failure.format} with PostgreSQL ${failure.postgresql}, which this Quire does not read. Nothing was written to it. Run the Quire that made it.`,
      };
    case "engine_not_started":
      return {
        exitCode: EXIT.io,
        message: `PostgreSQL does not start in ${failure.directory}: ${failure.detail}. Nothing in it was deleted.${lastWords(failure)}`,
      };
    case "engine_gave_up":
      return {
        exitCode: failure.cause.kind === "cluster_damaged" ? EXIT.dataError : EXIT.io,
        message: `PostgreSQL failed ${failure.failures} times and is given up: ${
          failure.cause.kind === "cluster_damaged" ? describeDamage(failure.cause.damage) : failure.cause.detail
        }. What was acknowledged is in the data directory; nothing in it was deleted.${lastWords(failure.cause)}`,
      };
    case "stop_unclean":
      return {
        exitCode: EXIT.io,
        message: `PostgreSQL did not shut down in order: ${failure.detail}. Nothing that was acknowledged is lost; the next start replays its log.`,
      };
    case "data_directory_unusable":
      return {
        exitCode: EXIT.io,
        message: `The data directory ${failure.directory} cannot be used: ${describeError(failure.cause)}. Check that it can be written, and that its disk has space.`,
      };
    case "database_unreachable":
      return {
        exitCode: EXIT.unavailable,
        message: `The database was not reached in ${Math.round(failure.waitedMs / 1000)} s: ${describeError(failure.cause)}. Check DATABASE_URL and that the server runs; DATABASE_START_TIMEOUT_MS is how long a start waits.`,
      };
    case "database_refused":
      return {
        exitCode: EXIT.config,
        message: `The database refuses: ${describeError(failure.cause)}. Check DATABASE_URL, and what its role may do (docs/postgresql.md).`,
      };
    case "database_unsuitable":
      return { exitCode: EXIT.config, message: failure.detail };
    case "migrations_unreadable":
      return {
        exitCode: EXIT.software,
        message: `The migrations in ${failure.folder} cannot be read: ${describeError(failure.cause)}. Install Quire anew.`,
      };
    case "migration_drift":
      return { exitCode: EXIT.config, message: DRIFT_MESSAGES[failure.drift](failure.migration) };
    case "transfer_target_not_empty":
      return {
        exitCode: EXIT.cannotCreate,
        message: `${failure.place} has rows in ${failure.table} already, so nothing was moved. Name an empty database, or a new directory.`,
      };
    case "transfer_target_of_another":
      return {
        exitCode: EXIT.cannotCreate,
        message: `${failure.place} holds a part of ${failure.from}, from a move that has not ended. End that one, or name another target.`,
      };
    case "transfer_interrupted":
      return {
        exitCode: EXIT.io,
        message: `The move was interrupted: ${describeError(failure.cause)}. Run it again: it goes on where it stopped.`,
      };
    case "transfer_differs":
      return {
        exitCode: EXIT.dataError,
        message: `After the move ${failure.from.table} is not the same: ${failure.from.rows} rows with the checksum ${failure.from.checksum} became ${failure.to.rows} with ${failure.to.checksum}. Somebody has written meanwhile: stop every Quire on both, and move to an empty target.`,
      };
    case "listen_failed":
      return {
        exitCode: EXIT.unavailable,
        message: `Cannot listen on ${failure.host}:${failure.port}: ${describeError(failure.cause)}. Choose another address with HOST and PORT; PORT=0 picks a free port.`,
      };
    case "email_taken":
      return {
        exitCode: EXIT.config,
        message:
          "A user has this e-mail address already. Name another one (QUIRE_ADMIN_EMAIL for the first admin, --email for others), or make that user an admin with: quire user role <address> admin",
      };
    case "program_failed": {
      const { cause } = failure;
      return isOfSystem(cause)
        ? { exitCode: EXIT.io, message: `The system refused: ${describeError(cause)}. ${NOTHING_LOST}` }
        : {
            exitCode: EXIT.software,
            message: `Quire has a defect: ${describeError(cause)}${placeOf(cause)}. ${NOTHING_LOST}`,
          };
    }
    case "password_hashing_failed":
      return { exitCode: EXIT.software, message: `The password cannot be hashed: ${describeError(failure.cause)}.` };
    case "password_hashing_busy":
      return { exitCode: EXIT.unavailable, message: "Too many passwords wait to be hashed. Try again." };
    case "storage_failure":
      return {
        exitCode: EXIT.io,
        message: `The database failed (${failure.reason}) in ${failure.operation}: ${describeError(failure.cause)}.`,
      };
  }
}

const DRIFT_MESSAGES = {
  contracted: (migration: string) =>
    `A newer Quire has removed from the database, by its migration of ${migration}, what this older one needs. Run the newer one, or restore the backup from before.`,
  unknown: (migration: string) =>
    `The database has a migration of ${migration} that this Quire does not know, between others that it knows. Run the Quire that applied it, or restore the backup from before.`,
  foreign: (migration: string) =>
    `The database has migrations of another application (the newest of ${migration}) in drizzle.__drizzle_migrations. Give Quire a database of its own.`,
  changed: (migration: string) =>
    `The migration ${migration} was applied to the database with other contents than it has now. Restore the file as it was released; put changes into a new migration.`,
  out_of_order: (migration: string) =>
    `The migration ${migration} is older than one that is applied already, so it would be skipped. Generate it anew, so that it comes last.`,
};

const NOTHING_LOST = "Nothing that was acknowledged is lost; the next start replays the log of the database.";

/** Where in the program a defect showed itself, for those who mend it. */
function placeOf(cause: unknown): string {
  const [, place] = (cause instanceof Error && /\bat ([^\n]*\/(?:dist|src)\/[^\n]*)/.exec(cause.stack ?? "")) || [];
  return place === undefined ? "" : ` (at ${place.replace(/(?:file:\/\/)?\/[^\s(]*\/(?=(?:dist|src)\/)/, "")})`;
}

function describeDamage(damage: Damage): string {
  switch (damage.kind) {
    case "missing":
      return `${damage.path} is missing`;
    case "truncated":
      return `${damage.path} has ${damage.bytes} bytes and had ${damage.expectedBytes} at the last checkpoint`;
    case "unreadable":
      return `${damage.path} cannot be read or does not hold what it must`;
    case "log_ends_early":
      return `the write-ahead log can be read up to ${damage.endsAt} and was needed until ${damage.neededUntil}, so what was written between them would be lost`;
    case "index_damaged":
      return `the index ${damage.index} does not agree with its table (${damage.detail})`;
  }
}

/** What an operator can do who has no backup; what is lost by it is said before. */
function remedy({ kind }: Damage): string {
  return kind === "log_ends_early"
    ? ` To go on without what is lost, remove ${ACKNOWLEDGED_FILE} from the directory.`
    : "";
}

/** The last lines of PostgreSQL's log, without the statements among them. */
function lastWords(failure: object): string {
  const lines = "lastWords" in failure ? (failure.lastWords as readonly string[]) : [];
  let isStatement = false;
  const shown = lines.filter((line) => {
    if (SEVERITY.test(line)) isStatement = /\b(?:STATEMENT|QUERY): /.test(line);
    return !isStatement;
  });
  return shown.length === 0 ? "" : `\nIts last words:\n${shown.map((line) => `  ${line}`).join("\n")}`;
}

function amountOf(amount: number, resource: "bytes" | "inodes"): string {
  return resource === "bytes" ? `${Math.floor(amount / 1_048_576)} MiB` : `${amount} inodes`;
}

/** How a line of its log begins that does not go on with the one before. */
const SEVERITY =
  /\b(?:DEBUG\d?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|CONTEXT|LOCATION|STATEMENT|QUERY): /;

/** Node gives the errors of the system a number. */
function isOfSystem(cause: unknown): boolean {
  return cause instanceof Error && "errno" in cause && "syscall" in cause;
}

/** Ends the process with what it says of a failure. */
export function exitWith(failure: ProcessFailure): never {
  const { message, exitCode } = explain(failure);
  process.stderr.write(`${message}\n`);
  process.exit(exitCode);
}

/** Has the process end with a sentence where it would end with a stack and an exit code that says nothing. */
export function endOnCrash(): void {
  process.on("uncaughtException", (cause) => exitWith({ kind: "program_failed", cause }));
}
