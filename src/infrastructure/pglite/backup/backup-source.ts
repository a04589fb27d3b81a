import type { Result } from "neverthrow";
import type { Lsn } from "../../sql/lsn.ts";

/** The database cannot be backed up now; `detail` has the reason. */
export interface BackupSourceFailed {
  readonly kind: "backup_source_failed";
  readonly directory: string;
  /** `busy`: another process uses the directory and does not answer, or another backup is running. */
  readonly reason: "busy" | "failed";
  readonly detail: string;
}

export interface BackupEnd {
  /** All writes that were acknowledged before this position are in the copy. */
  readonly position: Lsn;
  /** The copy needs the log up to here. */
  readonly logEnd: Lsn;
}

/** A cluster whose files can be copied: of a running server, or of a stopped one. See {@link BaseBackup} for its rules. */
export interface BackupSource {
  readonly control: Buffer;
  finish(): Promise<Result<BackupEnd, BackupSourceFailed>>;
  end(): Promise<Result<void, BackupSourceFailed>>;
  release(): void;
}
