import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";

/** The year 2096, which is after every shipped migration. */
export const FUTURE = 4_000_000_000_000;

/** An entry of drizzle-kit's journal. */
export const journalEntry = (idx: number, tag: string, when: number) => ({
  idx,
  version: "7",
  when,
  tag,
  breakpoints: true,
});

/** A copy of the shipped migrations, for a program that has more. */
export async function copyMigrations(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quire-migrations-"));
  await cp(MIGRATIONS_FOLDER, folder, { recursive: true });
  return folder;
}

/** Adds a migration to a folder, like drizzle-kit. */
export async function addMigration(folder: string, tag: string, when: number, statements: string): Promise<void> {
  const path = join(folder, "meta", "_journal.json");
  const journal = JSON.parse(await readFile(path, "utf8")) as { entries: object[] };
  journal.entries.push(journalEntry(journal.entries.length, tag, when));
  await writeFile(path, JSON.stringify(journal));
  await writeFile(join(folder, `${tag}.sql`), statements);
}
