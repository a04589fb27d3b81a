import type { Result } from "neverthrow";
import type { StorageFailure } from "../../domain/storage-failure.ts";

/** The database answers, and its schema is not the one that this program was written for. */
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
  /** Asks the database for an answer, and whether every migration is applied. */
  check(): Promise<Result<StorageStatus, SchemaOutdated | StorageFailure>>;
}
