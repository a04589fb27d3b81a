import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { describeError } from "../../node/describe-error.ts";
import type { Lsn } from "../../sql/lsn.ts";
import { CLUSTER } from "../directory/layout.ts";
import { UPKEEP_DEADLINE_MS } from "../engine/engine.ts";
import { CONTROL_FILE } from "../integrity/control-file.ts";
import type { LogHold, LogRetention } from "./log-retention.ts";
import type { EngineLease, Supervisor } from "./supervisor.ts";

/** The database cannot be backed up now; `detail` has the reason. `busy`: another backup copies the files. */
export interface BaseBackupRefused {
  readonly kind: "base_backup_refused";
  readonly reason: "busy" | "failed";
  readonly detail: string;
}

/**
 * A base backup (PostgreSQL 18, 25.3.4) of a cluster that changes during the copy. The copied files and the log from the
 * last checkpoint to the position of `finish` are consistent together: crash recovery repairs each file that was copied
 * while it changed, because the log has the whole image of each page that changed since that checkpoint (full_page_writes).
 */
export interface BaseBackup {
  /** The control file of the last checkpoint, where crash recovery of the copy begins. */
  readonly control: Buffer;
  /** Call it when all files but the log are copied. Returns the position up to which the copy needs the log. */
  finish(): Promise<Result<Lsn, BaseBackupRefused>>;
  /** Call it when the log is copied. Fails if a part of the log may be missing. */
  end(): Result<void, BaseBackupRefused>;
  /** Ends the backup, complete or not. */
  release(): void;
}

export type BeginBaseBackup = () => Promise<Result<BaseBackup, BaseBackupRefused>>;

interface BaseBackupOptions {
  readonly directory: string;
  readonly supervisor: Supervisor;
  readonly retention: LogRetention;
  /** Whether files are known to be damaged. */
  readonly isDamaged: () => boolean;
}

/** A transaction of one record, whose commit is flushed like every acknowledged write. */
const MARK = "select pg_logical_emit_message(true, 'quire.backup', '')";

/** Backups that copy nothing themselves: another process reads the files, so no request waits. */
export function baseBackups({ directory, supervisor, retention, isDamaged }: BaseBackupOptions): BeginBaseBackup {
  return async () => {
    if (isDamaged()) return refuse("failed", "the database is damaged");
    // No checkpoint writes the control file while this lease is held.
    return withLease(supervisor, "exclusive", async () => {
      const hold = retention.hold();
      if (hold === null) return refuse("busy", "another backup copies the files of this database");
      try {
        const control = await readFile(join(directory, CLUSTER, CONTROL_FILE));
        return ok({
          control,
          finish: async () => finish(supervisor, hold),
          end: () => endOf(hold),
          release: () => hold.release(),
        });
      } catch (cause) {
        hold.release();
        return refuse("failed", describeError(cause));
      }
    });
  };
}

async function finish(supervisor: Supervisor, hold: LogHold): Promise<Result<Lsn, BaseBackupRefused>> {
  return withLease(supervisor, "shared", async ({ engine }) => {
    const handling = { acknowledges: true, deadlineMs: UPKEEP_DEADLINE_MS };
    const replies = await engine.execute([{ text: MARK, values: [] }], handling);
    if (replies.isErr()) return refuse("failed", replies.error.failure.detail);
    const error = replies.value[0]?.error ?? null;
    if (error !== null) return refuse("failed", error.message);
    return endOf(hold).map(() => engine.position());
  });
}

async function withLease<T>(
  supervisor: Supervisor,
  mode: "exclusive" | "shared",
  use: (lease: EngineLease) => Promise<Result<T, BaseBackupRefused>>,
): Promise<Result<T, BaseBackupRefused>> {
  const lease = await supervisor.acquire({ bytes: 0, mode });
  if (lease.isErr()) return refuse("failed", `the engine did not accept the request (${lease.error.reason})`);
  return use(lease.value).finally(lease.value.release);
}

function endOf(hold: LogHold): Result<void, BaseBackupRefused> {
  const endedBy = hold.endedBy();
  return endedBy === null ? ok() : refuse("failed", endedBy);
}

function refuse(reason: BaseBackupRefused["reason"], detail: string): Result<never, BaseBackupRefused> {
  return fail({ kind: "base_backup_refused", reason, detail });
}
