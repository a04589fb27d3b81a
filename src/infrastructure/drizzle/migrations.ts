import { sql } from "drizzle-orm";
import { ok, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";

/** A migration that this program needs. Its hash is the SHA-256 of its SQL. */
export interface NeededMigration {
  readonly tag: string;
  readonly createdAt: number;
  readonly hash: string;
}

/** A migration as this program ships it. */
export interface Migration extends NeededMigration {
  readonly statements: readonly string[];
  /**
   * For a migration that contracts the schema: the `createdAt` of the newest migration that a program must have to work
   * with it. `null` for a migration that only expands the schema.
   */
  readonly requiredMigration: number | null;
}

/** A migration in the journal of the database. */
export type AppliedMigration = Pick<Migration, "createdAt" | "hash" | "requiredMigration">;

/**
 * This program cannot work with the applied migrations.
 *
 * - `contracted`: a newer program has removed what this one needs.
 * - `unknown`: a migration that this program does not have was applied before one that it has.
 * - `foreign`: no applied migration is known, so they belong to another application.
 * - `changed`: a migration was applied with other contents.
 * - `newer`: a newer program has changed the database, whose schema this one cannot create.
 * - `out_of_order`: a migration is pending although a later one is applied, or the journal is not sorted by time.
 */
export interface MigrationDrift {
  readonly kind: "migration_drift";
  readonly drift: "contracted" | "unknown" | "foreign" | "changed" | "newer" | "out_of_order";
  readonly migration: string;
}

/**
 * Compares the applied migrations with the shipped ones and returns those that are pending. Drizzle's own migrator compares
 * only the newest time, so it would skip a migration that was merged late and would not notice one that was edited.
 *
 * This program works with a schema that a newer program has expanded. It refuses a migration after its own newest one only if
 * that migration contracts the schema.
 */
export function pendingMigrations<Shipped extends NeededMigration>(
  shipped: readonly Shipped[],
  applied: readonly AppliedMigration[],
): Result<readonly Shipped[], MigrationDrift> {
  const late = shipped.find((migration, index) => migration.createdAt <= (shipped[index - 1]?.createdAt ?? -1));
  if (late !== undefined) return drift("out_of_order", late.tag);
  const appliedByTime = new Map(applied.map((migration) => [migration.createdAt, migration]));
  const newestApplied = Math.max(-1, ...appliedByTime.keys());
  const newestShipped = shipped.at(-1)?.createdAt ?? -1;
  if (applied.length > 0 && !shipped.some(({ createdAt }) => appliedByTime.has(createdAt))) {
    return drift("foreign", timeOf(newestApplied));
  }
  for (const migration of shipped) {
    const counterpart = appliedByTime.get(migration.createdAt);
    if (counterpart === undefined) {
      if (migration.createdAt < newestApplied) return drift("out_of_order", migration.tag);
      continue;
    }
    if (counterpart.hash !== migration.hash) return drift("changed", migration.tag);
    appliedByTime.delete(migration.createdAt);
  }
  for (const { createdAt, requiredMigration: required } of appliedByTime.values()) {
    if (createdAt < newestShipped) return drift("unknown", timeOf(createdAt));
    if (required !== null && required > newestShipped) return drift("contracted", timeOf(createdAt));
  }
  return ok(shipped.filter((migration) => migration.createdAt > newestApplied));
}

function timeOf(createdAt: number): string {
  return new Date(createdAt).toISOString();
}

function drift(what: MigrationDrift["drift"], migration: string): Result<never, MigrationDrift> {
  return fail({ kind: "migration_drift", drift: what, migration });
}

/** The migrations that are applied to the database, oldest first. */
export async function appliedMigrations(db: Database): Promise<Result<readonly AppliedMigration[], StorageFailure>> {
  return attempt(db, "migrations.applied", async () => {
    const table = await db
      .select({ exists: sql<boolean>`to_regclass('drizzle.__drizzle_migrations') is not null` })
      .from(sql`(values (1)) as one`);
    if (table[0]?.exists !== true) return [];
    return db
      .select({
        createdAt: sql`created_at`.mapWith(Number),
        hash: sql<string>`hash`,
        // A database that an older program migrated lacks this column.
        requiredMigration: sql`(to_jsonb(applied) ->> 'required_migration')::bigint`.mapWith(numberOrNull),
      })
      .from(sql`drizzle.__drizzle_migrations as applied`)
      .orderBy(sql`created_at`);
  });
}

function numberOrNull(value: unknown): number | null {
  return value === null ? null : Number(value);
}

/**
 * Applies a migration inside a transaction and records it in the table of drizzle-kit. Older programs read from an
 * additional column whether they can still work with the schema.
 */
export async function applyMigration(transaction: Database, migration: Migration): Promise<void> {
  const { statements, hash, createdAt, requiredMigration: required } = migration;
  await transaction.execute(sql`create schema if not exists drizzle`);
  await transaction.execute(sql`create table if not exists drizzle.__drizzle_migrations
    (id serial primary key, hash text not null, created_at bigint)`);
  await transaction.execute(
    sql`alter table drizzle.__drizzle_migrations add column if not exists required_migration bigint`,
  );
  for (const statement of statements) await transaction.execute(sql.raw(statement));
  await transaction.execute(sql`insert into drizzle.__drizzle_migrations (hash, created_at, required_migration)
    values (${hash}, ${createdAt}, ${required})`);
}
