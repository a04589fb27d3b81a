import type { PgliteDatabase } from "drizzle-orm/pglite";
import { err, ok, type Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import {
  appliedMigrations,
  applyMigration,
  pendingMigrations,
  type Migration,
  type MigrationDrift,
} from "../drizzle/migrations.ts";
import { readMigrations, type MigrationsUnreadable } from "../drizzle/read-migrations.ts";
import { logSchemaChange } from "../node/schema-change-log.ts";
import type { EmbeddedDatabase } from "./embedded-database.ts";

export type MigrateError = MigrationsUnreadable | MigrationDrift | StorageFailure;

export interface MigrateOptions {
  /** The folder of the migrations that drizzle-kit has generated. */
  readonly folder: string;
  readonly changeSchema?: EmbeddedDatabase["changeSchema"];
  readonly log?: Log;
}

/** Applies all pending migrations or none, and returns all shipped ones. Throws the driver's error. */
export async function migrate(
  db: PgliteDatabase,
  { folder, changeSchema = async (change) => change(), log }: MigrateOptions,
): Promise<Result<readonly Migration[], MigrateError>> {
  const shipped = await readMigrations(folder);
  if (shipped.isErr()) return err(shipped.error);
  const applied = await appliedMigrations(db);
  if (applied.isErr()) return err(applied.error);
  const pending = pendingMigrations(shipped.value, applied.value);
  if (pending.isErr()) return err(pending.error);
  if (pending.value.length > 0) {
    const change = log === undefined ? null : logSchemaChange(log, pending.value.length);
    await changeSchema(async () => applyMigrations(db, pending.value)).finally(() => change?.ended());
    change?.succeeded();
  }
  return ok(shipped.value);
}

/** Applies all migrations or none. Throws the driver's error. */
export async function applyMigrations(db: PgliteDatabase, migrations: readonly Migration[]): Promise<void> {
  await db.transaction(async (transaction) => {
    for (const migration of migrations) await applyMigration(transaction, migration);
  });
}
