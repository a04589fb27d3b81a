import type { Command } from "commander";
import {
  backup,
  restore,
  type BackupCommandOptions,
  type BackupDependencies,
  type RestoreCommandOptions,
} from "./backup.ts";
import { compact, type CompactDependencies } from "./compact.ts";
import { upgrade, type UpgradeDependencies } from "./upgrade.ts";
import { verify, type VerifyDependencies } from "./verify.ts";
import type { ActionOf } from "./action.ts";

const BACKUP_TEXT = `
The data directory is QUIRE_DATA_DIR (default: ./data), from the environment or from the file .env. Its server may be running
and serves requests all the time. The backup is one file. It gets its name after it was read back, restored into a PostgreSQL
of its own, and compared row by row. A store with the interface of S3 is configured by AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL.`;

const RESTORE_TEXT = `
The target is a new or empty directory; its server must not be running. A backup of an older version is migrated. There is no
recovery to a point in time: a backup has all writes before its own position of the write-ahead log.`;

export function addBackup<Failure>(
  program: Command,
  dependencies: BackupDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  program
    .command("backup")
    .description("back up the data directory of a running or stopped server, and prove the backup by a restore")
    .option("--to <location>", "a file *.tar.gz, a directory or s3://bucket/prefix (or the variable QUIRE_BACKUP_TO)")
    .option("--keep <number>", "delete older backups of the directory (or the variable QUIRE_BACKUP_KEEP)")
    .option("--json", "print the result as JSON", false)
    .addHelpText("after", BACKUP_TEXT)
    .action(action(async (options: BackupCommandOptions) => backup(dependencies, options)));
}

const VERIFY_TEXT = `
It reads a copy of the data directory, so its server may be running, and nothing of the database is changed. It checks the files, every
page of every table, every index, foreign keys and checks, the rules for posts, the quotas, the search index, the free space, and
whether a flush reaches a disk. Exit codes: 0 without damage, 65 with damage.`;

export function addVerify<Failure>(
  program: Command,
  dependencies: VerifyDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  program
    .command("verify")
    .description("verify the data directory of a running or stopped server: every row, index and constraint")
    .option("--json", "print the report as JSON", false)
    .addHelpText("after", VERIFY_TEXT)
    .action(action(async (options: { readonly json: boolean }) => verify(dependencies, options)));
}

const COMPACT_TEXT = `
Stop the server first. It returns the disk space of deleted rows, which the database otherwise keeps for new ones. Each table needs
twice its size as free space while it is written anew. A kill or Ctrl-C at any moment loses nothing.`;

export function addCompact<Failure>(
  program: Command,
  dependencies: CompactDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  program
    .command("compact")
    .description("return the disk space of deleted rows, after a mass deletion")
    .option("--json", "print the sizes as JSON", false)
    .addHelpText("after", COMPACT_TEXT)
    .action(action(async (options: { readonly json: boolean }) => compact(dependencies, options)));
}

const UPGRADE_TEXT = `
Stop the server first. An older PGlite, with the PostgreSQL that made the data directory, reads a copy of it. npm installs that PGlite
into the data directory for the time of the upgrade; without a network, give its directory by --pglite. A new database gets all rows,
which are compared, and replaces the old one. The old one is kept beside it. A kill or Ctrl-C at any moment loses nothing.`;

export function addUpgrade<Failure>(
  program: Command,
  dependencies: UpgradeDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  program
    .command("upgrade")
    .description("upgrade a data directory of an older version of PostgreSQL")
    .option("--pglite <directory>", "the directory of npm install --prefix with the older PGlite")
    .option("--json", "print the result as JSON", false)
    .addHelpText("after", UPGRADE_TEXT)
    .action(
      action(async (options: { readonly pglite?: string; readonly json: boolean }) => upgrade(dependencies, options)),
    );
}

export function addRestore<Failure>(
  program: Command,
  dependencies: BackupDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  program
    .command("restore")
    .description("restore a backup into a new data directory, and compare it with its manifest")
    .requiredOption("--from <location>", "a backup, or a directory or s3://bucket/prefix: its newest backup")
    .requiredOption("--to <directory>", "the new data directory")
    .option("--dry-run", "do everything but the last step, then remove the result", false)
    .option("--json", "print the result as JSON", false)
    .addHelpText("after", RESTORE_TEXT)
    .action(action(async (options: RestoreCommandOptions) => restore(dependencies, options)));
}
