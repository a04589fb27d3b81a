import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { ok, type Result } from "neverthrow";
import * as z from "zod";
import { fail } from "../../domain/shared/fail.ts";
import type { Migration } from "./migrations.ts";

/** The shipped migrations cannot be read; `cause` names the missing or broken file. */
export interface MigrationsUnreadable {
  readonly kind: "migrations_unreadable";
  readonly folder: string;
  readonly cause: unknown;
}

const Journal = z.object({ entries: z.array(z.object({ tag: z.string(), when: z.number() })) });

/** Reads the migrations in a folder of drizzle-kit. Fails with `migrations_unreadable`. */
export async function readMigrations(folder: string): Promise<Result<readonly Migration[], MigrationsUnreadable>> {
  try {
    const journal = Journal.parse(JSON.parse(await readFile(join(folder, "meta", "_journal.json"), "utf8")));
    const files = readMigrationFiles({ migrationsFolder: folder });
    const times = new Map(journal.entries.map(({ tag, when }) => [tag, when]));
    return ok(
      files.map(({ folderMillis, hash, sql: statements }, index) => ({
        tag: journal.entries[index]?.tag ?? String(folderMillis),
        createdAt: folderMillis,
        hash,
        statements,
        requiredMigration: requiredMigration(statements, times),
      })),
    );
  } catch (cause) {
    return fail({ kind: "migrations_unreadable", folder, cause });
  }
}

/**
 * Reads the comments `-- Contracts: before <tag>: …`, which name the migration that a program must have once this one is
 * applied. A `-- Contracts: …` without a tag explains why no older program needs the removed part.
 */
function requiredMigration(statements: readonly string[], times: ReadonlyMap<string, number>): number | null {
  const tags = Array.from(statements.join("\n").matchAll(/^-- Contracts: before ([^\s:]+)/gm), ([, tag = ""]) => tag);
  const required = tags.map((tag) => {
    const time = times.get(tag);
    if (time === undefined) throw new Error(`A migration contracts before ${tag}, which is no migration.`);
    return time;
  });
  return required.length === 0 ? null : Math.max(...required);
}
