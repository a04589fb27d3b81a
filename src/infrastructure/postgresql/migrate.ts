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
import { withRollback } from "../sql/rollback.ts";

/** The key of the advisory lock: an arbitrary number, the same in every Quire, that nothing else in the database uses. */
const MIGRATION_LOCK = 5_114_173_905;

/**
 * Applies the pending migrations, all or none, and returns their number. If several processes start at the same time, one
 * applies them and the others wait for its advisory lock. The lock belongs to the transaction (PostgreSQL 18, 13.3.5): it
 * ends when the process dies, and a pooler in transaction mode keeps it on one connection.
 */
export async function migrate(
  db: Database,
  shipped: readonly Migration[],
): Promise<Result<number, MigrationDrift | StorageFailure>> {
  return withRollback(async (rollBack: (settle: () => Result<never, MigrationDrift | StorageFailure>) => never) =>
    attempt(db, "migrations.apply", async () =>
      db.transaction(
        async (transaction) => {
          // A migration has no time limit, and neither has the wait for the migration of another process.
          await transaction.execute(sql`set local statement_timeout = 0`);
          await transaction.execute(sql`set local lock_timeout = 0`);
          await transaction.execute(sql`set local idle_in_transaction_session_timeout = 0`);
          await transaction.execute(sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
          const applied = await appliedMigrations(transaction);
          const pending = applied.andThen((known) => pendingMigrations(shipped, known));
          if (pending.isErr()) return rollBack(() => err(pending.error));
          for (const migration of pending.value) await applyMigration(transaction, migration);
          return pending.value.length;
        },
        // With a stricter level, statements after the lock would not see the writes of its previous holder.
        { isolationLevel: "read committed" },
      ),
    ),
  );
}
