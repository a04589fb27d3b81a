import { Cron } from "croner";
import * as z from "zod";
import { path, wholeNumber } from "./variable-values.ts";

export interface BackupConfig {
  /** When the server makes a backup, in the syntax of cron; `null` for never. */
  readonly schedule: string | null;
  /** A file, a directory, or a URL of an S3-compatible store. */
  readonly to: string | null;
  /** How many backups remain after a new one; `null` for all. */
  readonly keep: number | null;
}

const cronPattern = z.string().refine(isCronPattern, {
  error:
    "must have the five fields of cron: minute, hour, day of the month, month, day of the week, such as 30 3 * * *",
});

export const BackupVariables = z.object({
  QUIRE_BACKUP_SCHEDULE: cronPattern.optional(),
  QUIRE_BACKUP_TO: path.optional(),
  QUIRE_BACKUP_KEEP: wholeNumber(1, 10_000).optional(),
});

export function backupConfig(variables: z.infer<typeof BackupVariables>): BackupConfig {
  return {
    schedule: variables.QUIRE_BACKUP_SCHEDULE ?? null,
    to: variables.QUIRE_BACKUP_TO ?? null,
    keep: variables.QUIRE_BACKUP_KEEP ?? null,
  };
}

function isCronPattern(raw: string): boolean {
  try {
    // A pattern of six fields would run every second of a minute.
    return raw.trim().split(/\s+/).length === 5 && new Cron(raw, { paused: true }).nextRun() !== null;
  } catch {
    return false;
  }
}
