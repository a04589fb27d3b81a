import { err, ok, type Result } from "neverthrow";
import { byteProgress, type ByteProgress } from "./byte-progress.ts";
import type { CommandLineInvalid } from "./command-failure.ts";
import { tableLines, type ComparedTable } from "./table-lines.ts";
import type { Terminal } from "./terminal.ts";

/** A backup that was restored and compared with its manifest. */
export interface ProvenBackup {
  readonly location: string;
  readonly createdAt: string;
  /** The version of the program that made it. */
  readonly program: string;
  readonly lsn: string;
  readonly tables: readonly ComparedTable[];
}

export interface BackupDependencies<Failure> {
  readonly terminal: Terminal;
  /**
   * Backs up the configured data directory, and proves the backup. `removed`: older backups that are deleted after that.
   *
   * @param to A file, a directory or a URL; by default that of the configuration.
   */
  readonly backUpDatabase: (
    options: { readonly to?: string; readonly keep?: number },
    onProgress: (progress: ByteProgress) => void,
  ) => Promise<Result<ProvenBackup & { readonly removed: readonly string[] }, Failure>>;
  /** Restores a backup into a new data directory, or only rehearses that. */
  readonly restoreBackup: (
    options: { readonly from: string; readonly to: string; readonly isRehearsal: boolean },
    onProgress: (progress: ByteProgress) => void,
  ) => Promise<Result<ProvenBackup & { readonly directory: string }, Failure>>;
}

export interface BackupCommandOptions {
  readonly to?: string;
  readonly keep?: string;
  readonly json: boolean;
}

export interface RestoreCommandOptions {
  readonly from: string;
  readonly to: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

const MAX_KEEP = 10_000;

export async function backup<Failure>(
  { terminal, backUpDatabase }: BackupDependencies<Failure>,
  { to, keep, json }: BackupCommandOptions,
): Promise<Result<void, Failure | CommandLineInvalid>> {
  if (keep !== undefined && !(/^\d+$/.test(keep) && Number(keep) >= 1 && Number(keep) <= MAX_KEEP)) {
    const detail = `error: --keep must be a whole number from 1 to ${MAX_KEEP}`;
    return err({ kind: "command_line_invalid", detail });
  }
  const progress = byteProgress(terminal.progress);
  const options = { ...(to === undefined ? {} : { to }), ...(keep === undefined ? {} : { keep: Number(keep) }) };
  const done = await backUpDatabase(options, progress.show);
  progress.end();
  if (done.isErr()) return err(done.error);
  const { location, lsn, tables, removed } = done.value;
  if (json) terminal.print(JSON.stringify(done.value));
  else {
    terminal.print(`Backed up to ${location}: all writes before ${lsn}. Proven by a restore:`);
    for (const line of tableLines(tables)) terminal.print(line);
    for (const old of removed) terminal.print(`Removed the old backup ${old}.`);
  }
  return ok();
}

export async function restore<Failure>(
  { terminal, restoreBackup }: BackupDependencies<Failure>,
  { from, to, dryRun: isRehearsal, json }: RestoreCommandOptions,
): Promise<Result<void, Failure>> {
  const progress = byteProgress(terminal.progress);
  const done = await restoreBackup({ from, to, isRehearsal }, progress.show);
  progress.end();
  if (done.isErr()) return err(done.error);
  const { location, createdAt, directory, program, tables } = done.value;
  if (json) terminal.print(JSON.stringify(done.value));
  else {
    const event = isRehearsal
      ? `Rehearsed, without a change: ${location} can be restored to`
      : `Restored ${location} to`;
    terminal.print(`${event} ${directory}. Quire ${program} made it at ${createdAt}. Compared with its manifest:`);
    for (const line of tableLines(tables)) terminal.print(line);
  }
  return ok();
}
