import { err, ok, type Result } from "neverthrow";
import type { SchemaOutdated } from "../../application/ports/storage-probe.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { Database } from "./database.ts";
import { appliedMigrations, pendingMigrations, type NeededMigration } from "./migrations.ts";

/** Checks that every shipped migration is applied, and that no migration of a newer program contracts the schema. */
export async function checkSchema(
  db: Database,
  shipped: readonly NeededMigration[],
): Promise<Result<void, SchemaOutdated | StorageFailure>> {
  const applied = await appliedMigrations(db);
  if (applied.isErr()) return err(applied.error);
  const pending = pendingMigrations(shipped, applied.value);
  return pending.isOk() && pending.value.length === 0 ? ok() : fail({ kind: "schema_outdated" });
}
