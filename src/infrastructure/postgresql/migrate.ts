import { sql } from "drizzle-orm";
import { err, type Result } from "neverthrow";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { attempt } from "../drizzle/attempt.ts";
import type { Database } from "../drizzle/database.ts";
import {
  appliedMigrations,
  applyMigration,
  pendingMigrations,
  type Migration,
  type MigrationDrift,
} from "../drizzle/migrations.ts";

/** Any number that nothing else in the database locks by; it is the same in every Quire. */
const MIGRATION_LOCK = 5_114_173_905;

/** Thrown inside the transaction to undo it: returning an `err` would commit. */
class Undone extends Error {
  readonly failure: MigrationDrift | StorageFailure;

  constructor(failure: MigrationDrift | StorageFailure) {
    super("The migrations are not applied.");
    this.failure = failure;
  }
}

/**
 * Applies what is not applied yet, all of it or none, and gives how many that were. Of several that start at once one
 * applies, and the others wait for it: the lock ends with the transaction, so that none stays when a process dies, and a
 * pooler in transaction mode keeps it on one connection (PostgreSQL 18, 13.3.5).
 */
export async function migrate(
  db: Database,
  shipped: readonly Migration[],
): Promise<Result<number, MigrationDrift | StorageFailure>> {
  try {
    return await attempt(db, "migrations.apply", async () =>
      db.transaction(
        async (transaction) => {
          // A migration may take as long as it must, and so may another that is waited for.
          await transaction.execute(sql`set local statement_timeout = 0`);
          await transaction.execute(sql`set local lock_timeout = 0`);
          await transaction.execute(sql`set local idle_in_transaction_session_timeout = 0`);
          await transaction.execute(sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
          const applied = await appliedMigrations(transaction);
          const pending = applied.andThen((known) => pendingMigrations(shipped, known));
          if (pending.isErr()) throw new Undone(pending.error);
          for (const migration of pending.value) await applyMigration(transaction, migration);
          return pending.value.length;
          // Under a stricter level the statement that waits for the lock would see the database as it was before.
        },
        { isolationLevel: "read committed" },
      ),
    );
  } catch (thrown) {
    if (thrown instanceof Undone) return err(thrown.failure);
    throw thrown;
  }
}
