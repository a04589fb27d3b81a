import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Cron } from "croner";
import * as z from "zod";
import type { Log } from "../../application/ports/log.ts";
import { describeError } from "../../infrastructure/node/describe-error.ts";
import { packageFile } from "../../infrastructure/node/package-files.ts";
import { backupTime } from "../../infrastructure/pglite/backup/backup-store.ts";
import { readProven } from "../../infrastructure/pglite/backup/proven-record.ts";
import { newBackup } from "../backup-location.ts";
import type { BackupConfig } from "../config/backup-variables.ts";
import type { PeriodicWork } from "./periodic-work.ts";

interface BackupScheduleOptions extends BackupConfig {
  readonly schedule: string;
  readonly to: string;
  /** The absolute path of the data directory that this server serves. */
  readonly directory: string;
  readonly log: Log;
}

export interface BackupSchedule extends PeriodicWork {
  /** The time of the newest proven backup; `null` if there is none. */
  readonly lastProven: () => Promise<Date | null>;
}

const COMMAND_LINE = fileURLToPath(packageFile("dist/cli.js"));
/** The last lines of the command name the failure; those before are its progress. */
const MAX_DETAIL_LENGTH = 1000;

const Output = z.object({ location: z.string(), lsn: z.string(), removed: z.array(z.string()) });

/**
 * Backs up the data directory by a schedule, one backup at a time. `quire backup` runs in a process of its own, so no
 * request waits for it. Each line of the log says how old the last proven backup is.
 */
export function startBackupSchedule(options: BackupScheduleOptions): BackupSchedule {
  const { schedule, to, directory, log } = options;
  /** The newest backup of the store at the start. Later ones are recorded in the data directory. */
  let listed: Date | null = null;
  const lastProven = async () => (await readProven(directory)) ?? listed;
  let child: ChildProcess | null = null;
  let running: Promise<void> = Promise.resolve();
  const age = async () => {
    const proven = await lastProven();
    return {
      lastProvenAt: proven?.toISOString() ?? null,
      lastProvenAgeSeconds: proven === null ? null : Math.round((Date.now() - proven.getTime()) / 1000),
    };
  };
  const run = async () => {
    const startedAt = performance.now();
    child = startCommand(options);
    const { exitCode, output, detail } = await endOf(child);
    child = null;
    const durationMs = Math.round(performance.now() - startedAt);
    const proven = exitCode === 0 ? parseOutput(output) : null;
    if (proven === null) {
      log.error(
        { to, exitCode, detail, durationMs, ...(await age()) },
        "backup failed: correct the cause, then run quire backup",
      );
      return;
    }
    const { location, lsn, removed } = proven;
    log.info({ location, lsn, removed, durationMs, ...(await age()) }, "backup proven");
  };
  const cron = new Cron(schedule, { protect: true }, async () => {
    running = run().catch(async (error: unknown) =>
      log.error({ to, detail: describeError(error), ...(await age()) }, "backup failed"),
    );
    await running;
  });
  const announce = async () => {
    listed = await newestBackup(to);
    const next = cron.nextRun()?.toISOString() ?? null;
    if ((await lastProven()) === null) log.warn({ to, next }, "no proven backup exists yet");
    else log.info({ to, next, ...(await age()) }, "backups are scheduled");
  };
  // A store that does not answer does not delay the start.
  void announce();
  return {
    lastProven,
    stop: async () => {
      cron.stop();
      // The command removes what it has written.
      child?.kill("SIGTERM");
      await running;
    },
  };
}

function startCommand({ to, keep, directory }: BackupScheduleOptions): ChildProcess {
  const options = ["backup", "--json", "--to", to, ...(keep === null ? [] : ["--keep", String(keep)])];
  const env = { ...process.env, QUIRE_DATA_DIR: directory, QUIRE_BACKUP_SCHEDULE: "" };
  return spawn(process.execPath, [COMMAND_LINE, ...options], { env, stdio: ["ignore", "pipe", "pipe"] });
}

async function endOf(child: ChildProcess) {
  let [output, detail] = ["", ""];
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (detail = `${detail}${chunk.toString()}`.slice(-MAX_DETAIL_LENGTH)));
  await once(child, "close");
  return { exitCode: child.exitCode, output, detail: detail.trim() };
}

function parseOutput(output: string): z.infer<typeof Output> | null {
  try {
    return Output.parse(JSON.parse(output));
  } catch {
    return null;
  }
}

/** The time of the newest backup of a directory; `null` if there is none. */
async function newestBackup(to: string): Promise<Date | null> {
  try {
    const place = await newBackup(to, new Date());
    const name = place.isOk() ? (await place.value.store.list()).at(-1) : undefined;
    return name === undefined ? null : backupTime(name);
  } catch {
    // The first backup creates the directory.
    return null;
  }
}
