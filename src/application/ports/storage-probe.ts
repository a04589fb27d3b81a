import type { Result } from "neverthrow";
import type { StorageFailure } from "../../domain/storage-failure.ts";

/** The database answers, and its schema is not the one that this program was written for. */
export interface SchemaOutdated {
  readonly kind: "schema_outdated";
}

export interface StorageProbe {
  /** Asks the database for an answer, and whether every migration is applied. */
  check(): Promise<Result<void, SchemaOutdated | StorageFailure>>;
}
