import type { Log } from "../../application/ports/log.ts";
import { serveBackups } from "../../infrastructure/pglite/backup/backup-server.ts";
import { readProven } from "../../infrastructure/pglite/backup/proven-record.ts";
import type { BeginBaseBackup } from "../../infrastructure/pglite/client/base-backup.ts";
import type { BackupConfig } from "../config/backup-variables.ts";
import { startBackupSchedule, type BackupSchedule } from "./backup-schedule.ts";

/** Answers `quire backup`, and makes the scheduled backups. */
export async function startBackups(
  { schedule, to, keep }: BackupConfig,
  { location: directory, beginBackup }: { readonly location: string; readonly beginBackup: BeginBaseBackup },
  log: Log,
): Promise<BackupSchedule> {
  const server = await serveBackups({ directory, beginBackup, log });
  const isScheduled = schedule !== null && to !== null;
  const scheduled = isScheduled ? startBackupSchedule({ schedule, to, keep, directory, log }) : null;
  return {
    lastProven: async () => (scheduled === null ? readProven(directory) : scheduled.lastProven()),
    stop: async () => {
      await scheduled?.stop();
      await server.close();
    },
  };
}
