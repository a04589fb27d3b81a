import { err, ok, type Result } from "neverthrow";
import type { SchemaOutdated } from "../../application/ports/storage-probe.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { Database } from "./database.ts";
import { appliedMigrations, pendingMigrations, type Migration } from "./migrations.ts";

/** Asks the database for an answer, and whether every migration that is shipped is applied and none contracts them. */
export async function checkSchema(
  db: Database,
  shipped: readonly Migration[],
): Promise<Result<void, SchemaOutdated | StorageFailure>> {
  const applied = await appliedMigrations(db);
  if (applied.isErr()) return err(applied.error);
  const pending = pendingMigrations(shipped, applied.value);
  return pending.isOk() && pending.value.length === 0 ? ok() : fail({ kind: "schema_outdated" });
}
