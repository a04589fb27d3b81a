import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MIGRATIONS_FOLDER } from "../../../src/bootstrap/open-storage.ts";

/** Statements that block a table, which may be large, during a rewrite, a scan or a wait for a lock. */
const BLOCKING = [
  /^create (?:unique )?index (?!concurrently)/,
  /^reindex (?!.*concurrently)/,
  /^alter table .* alter column .* (?:set data )?type /,
  /^alter table .* alter column .* set not null/,
  /^alter table .* add constraint (?!.* not valid)/,
  /^alter table .* add column .* (?:generated|default [a-z_]+\()/,
  /^(?:vacuum full|cluster|truncate|lock)\b/,
];
/** Statements that remove something that a running older program may need. */
const CONTRACTING = [/^drop /, /^alter table .* drop /, /^alter table .* rename /, /^alter .* rename to /];

const matchesAny = (patterns: readonly RegExp[], statement: string) =>
  patterns.some((pattern) => pattern.test(statement));

interface Broken {
  readonly statement: string;
  readonly needs: string;
}

/** The statements of a migration that break the rule of CONTRIBUTING.md. */
function brokenRules(migration: string): readonly Broken[] {
  const made = new Set<string>();
  return migration.split("--> statement-breakpoint").flatMap((text): Broken[] => {
    const lines = text.trim().split("\n");
    const notes = lines.filter((line) => line.startsWith("--"));
    const statement = lines
      .filter((line) => !line.startsWith("--"))
      .join(" ")
      .replaceAll(/["\s]+/g, " ")
      .trim()
      .toLowerCase();
    const table = /^create table (?:if not exists )?(\S+)/.exec(statement)?.[1];
    if (table !== undefined) made.add(table);
    // A table of the same migration has no rows yet, and no older program uses it.
    const of = /(?: on |^alter table )\s*(?:only )?(\S+)/.exec(statement)?.[1];
    if (of !== undefined && made.has(of)) return [];
    const lacks = (note: string) => !notes.some((line) => line.startsWith(`-- ${note}: `));
    return [
      ...(matchesAny(BLOCKING, statement) && lacks("Blocks") ? [{ statement, needs: "-- Blocks: " }] : []),
      ...(matchesAny(CONTRACTING, statement) && lacks("Contracts") ? [{ statement, needs: "-- Contracts: " }] : []),
    ];
  });
}

const files = readdirSync(MIGRATIONS_FOLDER).filter((name) => name.endsWith(".sql"));

describe("a shipped migration", () => {
  it.each(files)("%s has a note for each statement that blocks a table or removes something", (file) => {
    expect(brokenRules(readFileSync(join(MIGRATIONS_FOLDER, file), "utf8"))).toEqual([]);
  });

  it("is found in the folder of migrations", () => {
    expect(files.length).toBeGreaterThan(1);
  });
});

describe("the rule for migrations", () => {
  it.each([
    'CREATE INDEX "a_idx" ON "posts" USING btree ("id");',
    'CREATE UNIQUE INDEX "a_idx" ON "posts" ("id");',
    'ALTER TABLE "posts" ALTER COLUMN "title" SET DATA TYPE varchar(10);',
    'ALTER TABLE "posts" ALTER COLUMN "title" SET NOT NULL;',
    'ALTER TABLE "posts" ADD CONSTRAINT "a_check" CHECK (true);',
    'ALTER TABLE "posts" ADD COLUMN "a" uuid DEFAULT gen_random_uuid();',
    'DROP TABLE "posts";',
    'ALTER TABLE "posts" DROP COLUMN "title";',
    'ALTER TABLE "posts" RENAME COLUMN "title" TO "name";',
    'CREATE TABLE "tags" ("id" uuid);--> statement-breakpoint\nCREATE INDEX "a_idx" ON "posts" ("id");',
  ])("requires a note for %s", (migration) => {
    expect(brokenRules(migration)).toHaveLength(1);
  });

  it.each([
    'ALTER TABLE "posts" ADD COLUMN "a" text;',
    'ALTER TABLE "posts" ADD COLUMN "a" text DEFAULT \'x\' NOT NULL;',
    'ALTER TABLE "posts" ADD CONSTRAINT "a_check" CHECK (true) NOT VALID;',
    'CREATE TABLE "tags" ("id" uuid);--> statement-breakpoint\nCREATE INDEX "a_idx" ON "tags" ("id");',
    '-- Blocks: for a second.\nCREATE INDEX "a_idx" ON "posts" ("id");',
    '-- Contracts: no query reads it since 1.2.\nALTER TABLE "posts" DROP COLUMN "title";',
  ])("accepts %s", (migration) => {
    expect(brokenRules(migration)).toEqual([]);
  });
});
