import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { parseSearchQuery } from "../../src/domain/search/search-query.ts";
import type { KeyDigest } from "../../src/domain/shared/idempotency-record.ts";
import { checkSchema } from "../../src/infrastructure/drizzle/check-schema.ts";
import { appliedMigrations, pendingMigrations, type Migration } from "../../src/infrastructure/drizzle/migrations.ts";
import { readMigrations } from "../../src/infrastructure/drizzle/read-migrations.ts";
import { openMemoryStorage } from "../../src/infrastructure/memory/memory-storage.ts";
import { migratedStorage } from "../../src/infrastructure/pglite/storage.ts";
import { addMigration, copyMigrations, FUTURE, journalEntry } from "../support/migrations-folder.ts";
import { PUBLISHED_POSTS } from "../../src/testing/fixtures.ts";
import { rawClient } from "../support/raw-client.ts";
import { openTemplate } from "../support/test-storage.ts";

const TABLES = [
  "account_usage",
  "idempotency_keys",
  "post_search",
  "posts",
  "rate_limits",
  "search_index",
  "sessions",
  "users",
];

const migration = (createdAt: number, hash = `hash ${createdAt}`): Migration => ({
  tag: `000${createdAt}`,
  createdAt,
  hash,
  statements: [],
  requiredMigration: null,
});

const drift = (shipped: readonly Migration[], applied: readonly Migration[]) =>
  pendingMigrations(shipped, applied)._unsafeUnwrapErr();

const entry = journalEntry;
const sha256 = (contents: string | Buffer) => createHash("sha256").update(contents).digest("hex");
const shipped = async () => (await readMigrations(MIGRATIONS_FOLDER))._unsafeUnwrap();

describe("pendingMigrations", () => {
  it.each([
    ["all migrations for a new database", [1, 2, 3], [], [1, 2, 3]],
    ["the migrations after the last applied one", [1, 2, 3], [1], [2, 3]],
    ["no migration when all are applied", [1, 2, 3], [1, 2, 3], []],
    ["no migration when none exists", [], [], []],
  ])("returns %s", (_, shipped, applied, pending) => {
    const result = pendingMigrations(
      shipped.map((time) => migration(time)),
      applied.map((time) => migration(time)),
    );
    expect(result._unsafeUnwrap()).toEqual(pending.map((time) => migration(time)));
  });

  it("ignores the order of the applied migrations", () => {
    const result = pendingMigrations([migration(1), migration(2), migration(3)], [migration(2), migration(1)]);
    expect(result._unsafeUnwrap()).toEqual([migration(3)]);
  });

  it("returns no migration for a database that a newer program has expanded", () => {
    expect(pendingMigrations([migration(1)], [migration(1), migration(2)])._unsafeUnwrap()).toEqual([]);
  });

  it("returns no migration for a database that a newer program has contracted compatibly", () => {
    const contracting = { ...migration(3), requiredMigration: 2 };
    const result = pendingMigrations([migration(1), migration(2)], [migration(1), migration(2), contracting]);
    expect(result._unsafeUnwrap()).toEqual([]);
  });

  it("rejects a database that a newer program has contracted incompatibly, also after later migrations", () => {
    const contracting = { ...migration(3), requiredMigration: 2 };
    expect(drift([migration(1)], [migration(1), migration(2), contracting, migration(4)])).toEqual({
      kind: "migration_drift",
      drift: "contracted",
      migration: "1970-01-01T00:00:00.003Z",
    });
  });

  it("rejects a database with an unknown migration between or before the shipped ones", () => {
    expect(drift([migration(1), migration(3)], [migration(1), migration(2), migration(3)]).drift).toBe("unknown");
    expect(drift([migration(2)], [migration(1), migration(2)]).drift).toBe("unknown");
  });

  it("rejects a database with the migrations of another application", () => {
    expect(drift([migration(1), migration(2)], [migration(3)])).toMatchObject({ drift: "foreign" });
    expect(drift([], [migration(1)])).toMatchObject({ drift: "foreign" });
  });

  it("rejects a migration that was applied with other contents, and names it", () => {
    const result = drift([migration(1), migration(2), migration(3)], [migration(1), migration(2, "other contents")]);
    expect(result).toEqual({ kind: "migration_drift", drift: "changed", migration: "0002" });
  });

  it("rejects a pending migration that is older than an applied one, and names it", () => {
    const result = drift([migration(1), migration(2), migration(3)], [migration(1), migration(3)]);
    expect(result).toEqual({ kind: "migration_drift", drift: "out_of_order", migration: "0002" });
  });

  it("rejects a pending first migration when a later one is applied", () => {
    expect(drift([migration(1), migration(2)], [migration(2)])).toMatchObject({
      drift: "out_of_order",
      migration: "0001",
    });
  });

  it.each([
    ["older than the one before it", [migration(2), migration(1)], "0001"],
    ["of the same time as the one before it", [migration(1), { ...migration(1), tag: "twin" }], "twin"],
  ])("rejects a journal with a migration %s, applied or not", (_, shipped, tag) => {
    const expected = { kind: "migration_drift", drift: "out_of_order", migration: tag };
    expect(drift(shipped, [])).toEqual(expected);
    expect(drift(shipped, shipped)).toEqual(expected);
  });
});

describe("readMigrations", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "quire-migrations-"));
  });
  afterEach(async () => rm(folder, { recursive: true }));

  async function write(journal: unknown, files: Readonly<Record<string, string>> = {}): Promise<void> {
    await mkdir(join(folder, "meta"));
    const text = typeof journal === "string" ? journal : JSON.stringify(journal);
    await writeFile(join(folder, "meta", "_journal.json"), text);
    for (const [tag, contents] of Object.entries(files)) await writeFile(join(folder, `${tag}.sql`), contents);
  }

  it("returns the tag, the time and the SHA-256 of each migration in the order of the journal", async () => {
    const files = { "0000_first": "select 1;", "0001_second": "select 2;\n--> statement-breakpoint\nselect 3;" };
    await write({ entries: [entry(0, "0000_first", 10), entry(1, "0001_second", 20)] }, files);
    expect((await readMigrations(folder))._unsafeUnwrap()).toEqual([
      {
        tag: "0000_first",
        createdAt: 10,
        hash: sha256(files["0000_first"]),
        statements: [files["0000_first"]],
        requiredMigration: null,
      },
      {
        tag: "0001_second",
        createdAt: 20,
        hash: sha256(files["0001_second"]),
        statements: ["select 2;\n", "\nselect 3;"],
        requiredMigration: null,
      },
    ]);
  });

  it("reads the required migration from the comments of contracting migrations", async () => {
    const third = [
      "-- Contracts: nobody has read it.\nselect 3;",
      "-- Contracts: before 0000_first: reads it.\nselect 4;",
      "-- Contracts: before 0001_second: reads another.\nselect 5;",
    ].join("\n--> statement-breakpoint\n");
    const files = { "0000_first": "select 1;", "0001_second": "select 2;", "0002_third": third };
    await write({ entries: Object.keys(files).map((tag, index) => entry(index, tag, 10 + index)) }, files);
    const required = (await readMigrations(folder))._unsafeUnwrap().map(({ requiredMigration }) => requiredMigration);
    expect(required).toEqual([null, null, 11]);
  });

  it("fails when a contracting migration requires an unknown one", async () => {
    await write(
      { entries: [entry(0, "0000_first", 10)] },
      { "0000_first": "-- Contracts: before 0009_none: it.\nselect 1;" },
    );
    expect(String((await readMigrations(folder))._unsafeUnwrapErr().cause)).toContain("0009_none");
  });

  it("fails when the folder does not exist", async () => {
    const missing = join(folder, "missing");
    const failure = (await readMigrations(missing))._unsafeUnwrapErr();
    expect(failure).toEqual({ kind: "migrations_unreadable", folder: missing, cause: expect.any(Error) });
  });

  it("fails when an SQL file is missing, and names it", async () => {
    await write({ entries: [entry(0, "0000_first", 10), entry(1, "0001_second", 20)] }, { "0000_first": "select 1;" });
    const failure = (await readMigrations(folder))._unsafeUnwrapErr();
    expect(failure.kind).toBe("migrations_unreadable");
    expect(String(failure.cause)).toContain("0001_second.sql");
  });

  it.each([
    ["malformed JSON", "{ entries"],
    ["empty", ""],
    ["without entries", {}],
    ["an entry without a tag", { entries: [{ when: 1 }] }],
    ["an entry whose time is text", { entries: [{ tag: "0000_first", when: "1" }] }],
  ])("fails when the journal is %s", async (_, journal) => {
    await write(journal, { "0000_first": "select 1;" });
    expect((await readMigrations(folder))._unsafeUnwrapErr().kind).toBe("migrations_unreadable");
  });

  it("reads the shipped migrations in order", async () => {
    const migrations = await shipped();
    expect(migrations.length).toBeGreaterThan(0);
    for (const { tag, hash } of migrations) {
      expect(hash).toBe(sha256(await readFile(join(MIGRATIONS_FOLDER, `${tag}.sql`))));
    }
    expect(pendingMigrations(migrations, [])._unsafeUnwrap()).toEqual(migrations);
  });
});

describe("migrations on PGlite", () => {
  let engine: PGlite;
  let folder: string;

  beforeAll(async () => {
    engine = await openTemplate();
  });
  beforeEach(async () => {
    folder = await copyMigrations();
    await engine.exec("drop schema if exists drizzle cascade; drop schema public cascade; create schema public");
    await engine.exec(`create function id_of(n int) returns uuid language sql as
      $$ select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$`);
  });
  afterEach(async () => rm(folder, { recursive: true }));
  afterAll(async () => engine.close());

  const applied = async () => (await appliedMigrations(drizzle({ client: engine })))._unsafeUnwrap();
  const tables = async () =>
    (
      await engine.query<{ name: string }>(
        "select tablename as name from pg_tables where schemaname = 'public' order by 1",
      )
    ).rows.map((row) => row.name);

  const add = async (tag: string, when: number, statements: string) => addMigration(folder, tag, when, statements);

  /** Removes the migrations from `tag` on from the journal of the folder. */
  async function keepMigrationsBefore(tag: string): Promise<void> {
    const path = join(folder, "meta", "_journal.json");
    const journal = JSON.parse(await readFile(path, "utf8")) as { entries: { tag: string }[] };
    await writeFile(path, JSON.stringify({ ...journal, entries: journal.entries.filter((each) => each.tag < tag) }));
  }

  it("finds no applied migrations in a new database", async () => {
    expect(await applied()).toEqual([]);
  });

  it("applies the shipped migrations to a new database", async () => {
    (await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER))._unsafeUnwrap();
    expect(await applied()).toEqual(
      (await shipped()).map(({ createdAt, hash, requiredMigration }) => ({ createdAt, hash, requiredMigration })),
    );
    expect(await tables()).toEqual(TABLES);
  });

  it("does nothing in a second run", async () => {
    (await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER))._unsafeUnwrap();
    const rows = async () => (await engine.query("select xmin, * from drizzle.__drizzle_migrations order by id")).rows;
    const before = await rows();
    expect((await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER)).isOk()).toBe(true);
    expect(await rows()).toEqual(before);
  });

  it("applies a new migration to an existing database, and keeps its rows", async () => {
    const storage = (await migratedStorage(rawClient(engine), folder))._unsafeUnwrap();
    await engine.exec("create table public.kept (n int); insert into kept values (1)");
    await add("9999_next", FUTURE, "CREATE TABLE next (n int);");
    expect((await migratedStorage(rawClient(engine), folder)).isOk()).toBe(true);
    expect(await tables()).toEqual([...TABLES, "kept", "next"].toSorted());
    expect((await engine.query("select n from kept")).rows).toEqual([{ n: 1 }]);
    expect((await storage.schemaCheck()).isOk()).toBe(true);
  });

  it("counts the existing and the later bytes of accounts", async () => {
    await keepMigrationsBefore("0006");
    (await migratedStorage(rawClient(engine), folder))._unsafeUnwrap();
    await engine.exec(`insert into users select id_of(n), 'Ada', n::text, n::text, 'hash', 'author', 1, now(), now()
        from generate_series(1, 3) n;
      insert into posts select id_of(10 + n), 'é', repeat('x', 100000), id_of(1 + n % 2), 'draft', null, 1, now(), now()
        from generate_series(1, 4) n;
      insert into idempotency_keys values (id_of(20), 'digest', id_of(1), 'fingerprint', 'answer', now(), now())`);
    (await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER))._unsafeUnwrap();
    const usage = async () =>
      (
        await engine.query("select bytes::int from account_usage order by user_id", [], { rowMode: "array" })
      ).rows.flat();
    const post = 1024 + 2 + 100_000;
    expect(await usage()).toEqual([2 * post + 1024 + 6, 2 * post, 0]);
    await engine.exec(
      "update posts set content = '' where author_id = id_of(2); delete from posts where id = id_of(12)",
    );
    expect(await usage()).toEqual([post + 1024 + 6, 2 * 1026, 0]);
    await engine.exec("update posts set author_id = id_of(3) where author_id = id_of(2)");
    expect(await usage()).toEqual([post + 1024 + 6, 0, 2 * 1026]);
  });

  it("replaces the column of the words of posts by an index that is filled after the start", async () => {
    await keepMigrationsBefore("0008");
    (await migratedStorage(rawClient(engine), folder))._unsafeUnwrap();
    await engine.exec(`insert into users select id_of(1), 'Ada', 'ada@example.org', 'ada@example.org', 'hash', 'author', 1, now(), now();
      insert into posts (id, title, content, author_id, status, published_at, version, created_at, updated_at)
        select id_of(10 + n), 'Engine ' || n, repeat('word ', 200), id_of(1), 'published', now(), 1, now(), now()
        from generate_series(1, 300) n`);
    const contents = async () => (await engine.query("select id, title, content, version from posts order by id")).rows;
    const before = await contents();
    const { posts, searchIndex, schemaCheck } = (
      await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER)
    )._unsafeUnwrap();
    expect((await schemaCheck()).isOk()).toBe(true);
    expect(await contents()).toEqual(before);
    const left =
      await engine.query(`select attname from pg_attribute where attrelid = 'posts'::regclass and attname = 'words'
      union all select relname from pg_class where relname in ('posts_words_idx', 'posts_title_key_idx')
      union all select proname from pg_proc where proname = 'title_key' union all select cfgname from pg_ts_config where cfgname = 'quire'`);
    expect(left.rows).toEqual([]);
    const engines = async () => {
      const page = { limit: 1, from: null, isCounted: true };
      const { total, isComplete } = (
        await posts.search(PUBLISHED_POSTS, parseSearchQuery("engine")._unsafeUnwrap(), page)
      )._unsafeUnwrap();
      return { total, isComplete };
    };
    expect(await engines()).toEqual({ total: 0, isComplete: false });
    expect((await searchIndex.sweep())._unsafeUnwrap()).toBe(300);
    expect(await engines()).toEqual({ total: 300, isComplete: true });
  });

  it("keeps the replay records when their digest becomes the primary key", async () => {
    await keepMigrationsBefore("0009");
    const older = (await migratedStorage(rawClient(engine), folder))._unsafeUnwrap();
    await engine.exec(`insert into users select id_of(1), 'Ada', 'ada@example.org', 'ada@example.org', 'hash', 'author', 1, now(), now();
      insert into idempotency_keys select id_of(n), 'digest ' || n, id_of(1), 'fingerprint', 'answer ' || n, now(), now()
        from generate_series(1, 3) n`);
    const records = async () => (await engine.query("select key_digest, answer from idempotency_keys order by 1")).rows;
    const before = await records();
    const { idempotencyKeys } = (await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER))._unsafeUnwrap();
    expect(await records()).toEqual(before);
    expect((await idempotencyKeys.find("digest 2" as KeyDigest))._unsafeUnwrap()).toMatchObject({ result: "answer 2" });
    expect((await older.schemaCheck())._unsafeUnwrapErr()).toEqual({ kind: "schema_outdated" });
    const column = "select from pg_attribute where attrelid = 'idempotency_keys'::regclass and attname = 'id'";
    expect((await engine.query(column)).rows).toEqual([]);
  });

  it("lets no program serve that searches by the removed column", async () => {
    await keepMigrationsBefore("0008");
    const older = (await migratedStorage(rawClient(engine), folder))._unsafeUnwrap();
    (await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER))._unsafeUnwrap();
    expect((await older.schemaCheck())._unsafeUnwrapErr()).toEqual({ kind: "schema_outdated" });
  });

  it("reports a post of a removed user to an older program as a violation of a constraint that it knows", async () => {
    (await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER))._unsafeUnwrap();
    await engine.exec(`insert into users select id_of(n), 'Ada', n::text, n::text, 'hash', 'author', 1, now(), now()
        from generate_series(1, 2) n;
      insert into posts select id_of(10), 'A', '', id_of(1), 'draft', null, 1, now(), now();
      delete from account_usage where user_id = id_of(2)`);
    const refused = { code: "23503", constraint: "posts_author_fkey" };
    const insert = "insert into posts select id_of(11), 'A', '', id_of(2), 'draft', null, 1, now(), now()";
    await expect(engine.query(insert)).rejects.toMatchObject(refused);
    await expect(engine.query("update posts set author_id = id_of(2)")).rejects.toMatchObject(refused);
  });

  it("opens a database that a newer program has expanded, and changes nothing", async () => {
    await add("9999_next", FUTURE, "CREATE TABLE next (n int);");
    (await migratedStorage(rawClient(engine), folder))._unsafeUnwrap();
    const { schemaCheck } = (await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER))._unsafeUnwrap();
    expect((await schemaCheck()).isOk()).toBe(true);
    expect(await applied()).toHaveLength((await shipped()).length + 1);
  });

  it("rejects a database that a newer program has contracted, and reports a running process as not ready", async () => {
    const running = (await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER))._unsafeUnwrap();
    await add("9998_expands", FUTURE, "CREATE TABLE next (n int);");
    const note = "-- Contracts: before 9998_expands: programs that do not know it read the table.";
    await add("9999_contracts", FUTURE + 1, `${note}\nDROP TABLE "next";`);
    const newer = (await migratedStorage(rawClient(engine), folder))._unsafeUnwrap();
    expect((await newer.schemaCheck()).isOk()).toBe(true);
    const expected = { kind: "migration_drift", drift: "contracted", migration: new Date(FUTURE + 1).toISOString() };
    const result = await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER);
    expect(result._unsafeUnwrapErr()).toEqual(expected);
    expect((await running.schemaCheck())._unsafeUnwrapErr()).toEqual({ kind: "schema_outdated" });
  });

  it("accepts a database of an older program without the column required_migration", async () => {
    (await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER))._unsafeUnwrap();
    await engine.exec("alter table drizzle.__drizzle_migrations drop column required_migration");
    const { schemaCheck } = (await migratedStorage(rawClient(engine), folder))._unsafeUnwrap();
    expect((await schemaCheck()).isOk()).toBe(true);
    await add("9999_next", FUTURE, "CREATE TABLE next (n int);");
    expect((await migratedStorage(rawClient(engine), folder)).isOk()).toBe(true);
    expect(await applied()).toHaveLength((await shipped()).length + 1);
  });

  it("fails when an applied migration was edited", async () => {
    (await migratedStorage(rawClient(engine), folder))._unsafeUnwrap();
    const [first] = await shipped();
    const path = join(folder, `${first?.tag}.sql`);
    await writeFile(path, `${await readFile(path, "utf8")}\n-- edited`);
    const expected = { kind: "migration_drift", drift: "changed", migration: first?.tag };
    expect((await migratedStorage(rawClient(engine), folder))._unsafeUnwrapErr()).toEqual(expected);
  });

  it("fails at a migration that was merged late, and does not apply it", async () => {
    (await migratedStorage(rawClient(engine), folder))._unsafeUnwrap();
    await add("0000_late", 1_000, "CREATE TABLE late (n int);");
    const expected = { kind: "migration_drift", drift: "out_of_order", migration: "0000_late" };
    expect((await migratedStorage(rawClient(engine), folder))._unsafeUnwrapErr()).toEqual(expected);
    expect(await tables()).not.toContain("late");
  });

  it("rolls back a migration that fails half-way", async () => {
    (await migratedStorage(rawClient(engine), folder))._unsafeUnwrap();
    const before = await applied();
    await add("9999_broken", FUTURE, "CREATE TABLE half (n int);\n--> statement-breakpoint\nselect nowhere;");
    await expect(migratedStorage(rawClient(engine), folder)).rejects.toThrow();
    expect(await tables()).not.toContain("half");
    expect(await applied()).toEqual(before);
  });
});

describe("the check of the schema", () => {
  let engine: PGlite;

  beforeAll(async () => {
    engine = await openTemplate();
  });
  afterAll(async () => engine.close());

  it("reports the memory adapter as ready", async () => {
    expect((await openMemoryStorage().probe.check()).isOk()).toBe(true);
  });

  it("reports a database with every migration as ready", async () => {
    const { schemaCheck } = (await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER))._unsafeUnwrap();
    expect((await schemaCheck()).isOk()).toBe(true);
  });

  it("reports a database with a missing or changed migration as outdated", async () => {
    const migrations = await shipped();
    const db = drizzle({ client: engine });
    const next = migration(4_000_000_000_000);
    for (const expected of [[...migrations, next], migrations.map((each) => ({ ...each, hash: "other" }))]) {
      const result = await checkSchema(db, expected);
      expect(result._unsafeUnwrapErr()).toEqual({ kind: "schema_outdated" });
    }
  });

  it("fails with the reason unavailable after the engine has ended", async () => {
    const ended = await openTemplate();
    const { schemaCheck } = (await migratedStorage(rawClient(ended), MIGRATIONS_FOLDER))._unsafeUnwrap();
    await ended.close();
    const failure = (await schemaCheck())._unsafeUnwrapErr();
    expect(failure).toMatchObject({ reason: "unavailable", operation: "migrations.applied" });
  });
});
