import type { EnsureAdminError } from "./application/users/ensure-admin.ts";
import type { ConfigInvalid } from "./config.ts";
import type { OpenPgliteError } from "./infrastructure/pglite/pglite-storage.ts";
import type { ListenFailed } from "./node-http-server.ts";

export type StartFailure = ConfigInvalid | OpenPgliteError | EnsureAdminError | ListenFailed;

/** What the process exits with: the numbers of BSD's sysexits(3), so that a supervisor can tell them apart. */
export const EXIT = {
  ok: 0,
  usage: 64,
  unavailable: 69,
  software: 70,
  cannotCreate: 73,
  io: 74,
  inUse: 75,
  config: 78,
} as const;

interface Explanation {
  readonly exitCode: (typeof EXIT)[keyof typeof EXIT];
  /** What is wrong and what to do, for the person who started the program. */
  readonly message: string;
}

export function explain(failure: StartFailure): Explanation {
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
    case "data_directory_foreign":
      return {
        exitCode: EXIT.cannotCreate,
        message: `The directory ${failure.directory} holds something else (${failure.found.join(", ")}), so nothing was written to it. Name an empty or a new directory with QUIRE_DATA_DIR.`,
      };
    case "data_directory_damaged":
      return {
        exitCode: EXIT.io,
        message: `The data directory ${failure.directory} has lost ${failure.missing}. Nothing was written to it. Restore it from a backup, or name another directory with QUIRE_DATA_DIR.`,
      };
    case "data_directory_incompatible":
      return {
        exitCode: EXIT.config,
        message: `The data directory ${failure.directory} is of format ${failure.format} with PostgreSQL ${failure.postgresql}, which this Quire does not read. Nothing was written to it. Run the Quire that made it.`,
      };
    case "engine_failed":
      return {
        exitCode: EXIT.io,
        message: `The database in ${failure.directory} does not open: ${causeMessage(failure.cause)}. Check that the directory can be written, and that its disk has space.`,
      };
    case "migrations_unreadable":
      return {
        exitCode: EXIT.software,
        message: `The migrations in ${failure.folder} cannot be read: ${causeMessage(failure.cause)}. Install Quire anew.`,
      };
    case "migration_drift":
      return { exitCode: EXIT.config, message: DRIFT_MESSAGES[failure.drift](failure.migration) };
    case "listen_failed":
      return {
        exitCode: EXIT.unavailable,
        message: `Cannot listen on ${failure.host}:${failure.port}: ${causeMessage(failure.cause)}. Choose another address with HOST and PORT; PORT=0 picks a free port.`,
      };
    case "email_taken":
      return {
        exitCode: EXIT.config,
        message:
          "A user has this e-mail address already. Name another one (QUIRE_ADMIN_EMAIL for the first admin, --email for others).",
      };
    case "password_hashing_failed":
      return { exitCode: EXIT.software, message: `The password cannot be hashed: ${causeMessage(failure.cause)}.` };
    case "storage_unavailable":
    case "storage_full":
    case "storage_corrupt":
    case "storage_busy":
      return {
        exitCode: EXIT.io,
        message: `The database failed (${failure.kind}) in ${failure.operation}: ${causeMessage(failure.cause)}.`,
      };
  }
}

const DRIFT_MESSAGES = {
  unknown: (migration: string) =>
    `The database has a migration of ${migration} that this Quire does not know: a newer Quire has used it. Run that one, or restore the backup from before.`,
  changed: (migration: string) =>
    `The migration ${migration} was applied to the database with other contents than it has now. Restore the file as it was released; put changes into a new migration.`,
  out_of_order: (migration: string) =>
    `The migration ${migration} is older than one that is applied already, so it would be skipped. Generate it anew, so that it comes last.`,
};

function causeMessage(cause: unknown): string {
  return typeof cause === "object" && cause !== null && "message" in cause ? String(cause.message) : String(cause);
}
