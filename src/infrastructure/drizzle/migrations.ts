import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { ok, type Result } from "neverthrow";
import { z } from "zod";
import { fail } from "../../domain/fail.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";

/** A migration as this program ships it. Its hash is the SHA-256 of its SQL. */
export interface Migration {
  readonly tag: string;
  readonly createdAt: number;
  readonly hash: string;
  readonly statements: readonly string[];
}

/** A migration as the database knows it. */
export type AppliedMigration = Pick<Migration, "createdAt" | "hash">;

/** The migrations that this program ships cannot be read; `cause` says which file is missing or broken. */
export interface MigrationsUnreadable {
  readonly kind: "migrations_unreadable";
  readonly folder: string;
  readonly cause: unknown;
}

/**
 * What was applied to the database is not the beginning of what this program ships.
 *
 * - `unknown`: one was applied that the program does not have; a newer program did.
 * - `changed`: one was applied with other contents.
 * - `out_of_order`: one is not applied though a later one is, or the journal itself is not in order of time.
 */
export interface MigrationDrift {
  readonly kind: "migration_drift";
  readonly drift: "unknown" | "changed" | "out_of_order";
  readonly migration: string;
}

const Journal = z.object({ entries: z.array(z.object({ tag: z.string(), when: z.number() })) });

/** Reads the migrations of a folder that drizzle-kit has written. Fails with `migrations_unreadable`. */
export async function readMigrations(folder: string): Promise<Result<readonly Migration[], MigrationsUnreadable>> {
  try {
    const journal = Journal.parse(JSON.parse(await readFile(join(folder, "meta", "_journal.json"), "utf8")));
    const files = readMigrationFiles({ migrationsFolder: folder });
    return ok(
      files.map(({ folderMillis, hash, sql: statements }, index) => ({
        tag: journal.entries[index]?.tag ?? String(folderMillis),
        createdAt: folderMillis,
        hash,
        statements,
      })),
    );
  } catch (cause) {
    return fail({ kind: "migrations_unreadable", folder, cause });
  }
}

/**
 * Compares what is applied with what is shipped and gives the migrations that are to be applied still. Drizzle's own
 * migrator looks at the newest time alone, so it would skip one that was merged late and never miss one that was edited.
 */
export function pendingMigrations(
  shipped: readonly Migration[],
  applied: readonly AppliedMigration[],
): Result<readonly Migration[], MigrationDrift> {
  const late = shipped.find((migration, index) => migration.createdAt <= (shipped[index - 1]?.createdAt ?? -1));
  if (late !== undefined) return drift("out_of_order", late.tag);
  const appliedByTime = new Map(applied.map((migration) => [migration.createdAt, migration]));
  const newestApplied = Math.max(-1, ...appliedByTime.keys());
  for (const migration of shipped) {
    const counterpart = appliedByTime.get(migration.createdAt);
    if (counterpart === undefined) {
      if (migration.createdAt < newestApplied) return drift("out_of_order", migration.tag);
      continue;
    }
    if (counterpart.hash !== migration.hash) return drift("changed", migration.tag);
    appliedByTime.delete(migration.createdAt);
  }
  const [unknown] = appliedByTime.keys();
  if (unknown !== undefined) return drift("unknown", new Date(unknown).toISOString());
  return ok(shipped.filter((migration) => migration.createdAt > newestApplied));
}

function drift(what: MigrationDrift["drift"], migration: string): Result<never, MigrationDrift> {
  return fail({ kind: "migration_drift", drift: what, migration });
}

/** The migrations that the database says were applied, oldest first. */
export async function appliedMigrations(db: Database): Promise<Result<readonly AppliedMigration[], StorageFailure>> {
  return attempt(db, "migrations.applied", async () => {
    const table = await db
      .select({ exists: sql<boolean>`to_regclass('drizzle.__drizzle_migrations') is not null` })
      .from(sql`(values (1)) as one`);
    if (table[0]?.exists !== true) return [];
    return db
      .select({ createdAt: sql`created_at`.mapWith(Number), hash: sql<string>`hash` })
      .from(sql`drizzle.__drizzle_migrations`)
      .orderBy(sql`created_at`);
  });
}
