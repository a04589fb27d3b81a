import type { Result } from "neverthrow";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";

/**
 * The database answers, and this program cannot work with its schema: a migration is missing, or a newer program has taken
 * away what this one needs. One that a newer program has only expanded is none of these.
 */
export interface SchemaOutdated {
  readonly kind: "schema_outdated";
}

/**
 * What an acknowledged write outlasts.
 *
 * - `fsync`: a power cut, as it was flushed to the disk before it was acknowledged.
 * - `relaxed`: a kill of the process; a power cut may take it back, or damage the database.
 * - `none`: nothing, as it is in memory alone.
 */
export type Durability = "fsync" | "relaxed" | "none";

export interface StorageStatus {
  readonly durability: Durability;
  /** `false` while only reads are served, as no space is left to write. */
  readonly writable: boolean;
}

export interface StorageProbe {
  /** Asks the database for an answer, and whether this program can work with its schema. */
  check(): Promise<Result<StorageStatus, SchemaOutdated | StorageFailure>>;
}
