import type { Readable } from "node:stream";

/** A place for backups. Its methods throw the errors of the operating system or of the service. */
export interface BackupStore {
  /** The location, to show to the operator. */
  readonly location: string;
  /** The location of one backup. */
  locationOf(name: string): string;
  /** Prepares the store for a backup. Throws if none can be stored, before the minutes that the work may take. */
  prepare(name: string): Promise<void>;
  /**
   * Stores a backup, which does not count until `accept`. The store was prepared for it. When it settles, the backup is whole
   * and safe from a power cut. Rethrows the error of the source.
   */
  write(name: string, source: AsyncIterable<Uint8Array>): Promise<void>;
  /** Reads back a backup that is not accepted yet. */
  readUnproven(name: string): Promise<Readable>;
  /** Gives a proven backup its name, so that it counts. */
  accept(name: string): Promise<void>;
  /** Removes a backup that was not accepted, complete or not. */
  discard(name: string): Promise<void>;
  /** The names of the accepted backups, oldest first. */
  list(): Promise<readonly string[]>;
  read(name: string): Promise<Readable>;
  remove(name: string): Promise<void>;
}

/** The extension of a backup, which other programs can unpack too. */
export const BACKUP_EXTENSION = ".tar.gz";

const NAME = /^quire-(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z\.tar\.gz$/;

/** The name of a backup by its time in UTC. Names sort by time. */
export function backupName(at: Date): string {
  return `quire-${at.toISOString().replaceAll(/[-:]|\.\d+/g, "")}${BACKUP_EXTENSION}`;
}

/** The time in the name of a backup; `null` for the name of another file. */
export function backupTime(name: string): Date | null {
  const [, year, month, day, hour, minute, second] = NAME.exec(name) ?? [];
  return year === undefined ? null : new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
