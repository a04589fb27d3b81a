import { statSync } from "node:fs";
import { err, ok, type Result } from "neverthrow";
import { fail } from "../domain/shared/fail.ts";
import { isMissingPath } from "../infrastructure/node/is-missing-path.ts";
import { BACKUP_EXTENSION, backupName, type BackupStore } from "../infrastructure/pglite/backup/backup-store.ts";
import { fileAt, fileStore } from "../infrastructure/pglite/backup/file-store.ts";
import type { S3Options } from "../infrastructure/pglite/backup/s3-store.ts";

/** The database is on a PostgreSQL server, whose own tools make its backups. */
export interface BackupByServerTools {
  readonly kind: "backup_by_server_tools";
  readonly location: string;
}

/** There is no backup at the location. */
export interface BackupMissing {
  readonly kind: "backup_missing";
  readonly location: string;
}

/** The location of backups is wrong, or the credentials for it are missing. */
export interface BackupLocationInvalid {
  readonly kind: "backup_location_invalid";
  readonly location: string;
  readonly detail: string;
}

/** The store of backups cannot be used. */
export interface BackupStoreFailed {
  readonly kind: "backup_store_failed";
  readonly location: string;
  readonly cause: unknown;
}

export interface BackupLocation {
  readonly store: BackupStore;
  readonly name: string;
}

/** The place of a new backup: the file or object itself, or one with the time in its name. */
export async function newBackup(location: string, at: Date): Promise<Result<BackupLocation, BackupLocationInvalid>> {
  if (isUrl(location)) {
    return (await s3Location(location)).map(({ store, name }) => ({ store, name: name ?? backupName(at) }));
  }
  return ok(
    location.endsWith(BACKUP_EXTENSION) ? fileAt(location) : { store: fileStore(location), name: backupName(at) },
  );
}

/** An existing backup: the file or object itself, or the newest one of a directory. Fails with `backup_missing`. */
export async function existingBackup(
  location: string,
): Promise<Result<BackupLocation, BackupMissing | BackupLocationInvalid | BackupStoreFailed>> {
  try {
    const found = isUrl(location) ? await s3Location(location) : ok(localBackup(location));
    if (found.isErr()) return err(found.error);
    const { store } = found.value;
    const name = found.value.name ?? (await store.list()).at(-1);
    return name === undefined ? fail({ kind: "backup_missing", location }) : ok({ store, name });
  } catch (cause) {
    return isMissingPath(cause)
      ? fail({ kind: "backup_missing", location })
      : fail({ kind: "backup_store_failed", location, cause });
  }
}

interface FoundLocation {
  readonly store: BackupStore;
  /** `null` if the location names no single backup. */
  readonly name: string | null;
}

function localBackup(path: string): FoundLocation {
  return statSync(path).isFile() ? fileAt(path) : { store: fileStore(path), name: null };
}

/** Text that looks like a URL counts as a URL, even with a mistake in it. A directory can be written as `./a:b`. */
function isUrl(location: string): boolean {
  return /^[a-z][a-z\d+.-]*:/i.test(location);
}

async function s3Location(location: string): Promise<Result<FoundLocation, BackupLocationInvalid>> {
  const invalid = (detail: string) => fail({ kind: "backup_location_invalid", location, detail } as const);
  const [, bucket, path] = /^s3:\/\/([a-z\d][a-z\d.-]+)(?:\/(.*))?$/.exec(location) ?? [];
  if (bucket === undefined) return invalid("it must be a file, a directory, or s3://bucket/prefix");
  const options = s3Options();
  if (options === null) return invalid("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set");
  const { s3Store } = await import("../infrastructure/pglite/backup/s3-store.ts");
  const parts = (path ?? "").split("/").filter((part) => part !== "");
  const name = parts.at(-1)?.endsWith(BACKUP_EXTENSION) === true ? (parts.pop() ?? null) : null;
  return ok({ store: s3Store(bucket, parts.map((part) => `${part}/`).join(""), options), name });
}

function variable(...names: string[]): string | null {
  return names.map((name) => process.env[name]).find((value) => value !== undefined && value !== "") ?? null;
}

/** The account of the environment, in the variables that all tools for S3 read; `null` if it is missing. */
function s3Options(): S3Options | null {
  const accessKeyId = variable("AWS_ACCESS_KEY_ID");
  const secretAccessKey = variable("AWS_SECRET_ACCESS_KEY");
  if (accessKeyId === null || secretAccessKey === null) return null;
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken: variable("AWS_SESSION_TOKEN"),
    region: variable("AWS_REGION", "AWS_DEFAULT_REGION") ?? "us-east-1",
    endpoint: variable("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")?.replace(/\/+$/, "") ?? null,
  };
}
