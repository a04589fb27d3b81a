import type { Result } from "neverthrow";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";

/**
 * The database answers, but this program cannot work with its schema: a migration is missing, or a newer program has removed a
 * part that this one needs. A schema that a newer program has only expanded is not outdated.
 */
export interface SchemaOutdated {
  readonly kind: "schema_outdated";
}

/**
 * The failures that an acknowledged write survives.
 *
 * - `fsync`: a power cut, because the write is flushed to the disk before it is acknowledged.
 * - `relaxed`: the kill of the process. A power cut may lose the write, or damage the database.
 * - `none`: not even a restart of the process, because the data is only in memory.
 */
export type Durability = "fsync" | "relaxed" | "none";

export interface StorageStatus {
  readonly durability: Durability;
  /** `false` while only reads are served, for example when no space is left. */
  readonly writable: boolean;
}

export interface StorageProbe {
  /** Checks that the database answers, and that this program can work with its schema. */
  check(): Promise<Result<StorageStatus, SchemaOutdated | StorageFailure>>;
}
