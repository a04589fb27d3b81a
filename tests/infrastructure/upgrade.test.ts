import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ok } from "neverthrow";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { readMigrations } from "../../src/infrastructure/drizzle/read-migrations.ts";
import type { DrizzleClient } from "../../src/infrastructure/pglite/client/client.ts";
import { databaseOn } from "../../src/infrastructure/pglite/drizzle-database.ts";
import { lockDataDirectory } from "../../src/infrastructure/pglite/directory/lock.ts";
import { openEmbeddedDatabase } from "../../src/infrastructure/pglite/embedded-database.ts";
import { applyMigrations } from "../../src/infrastructure/pglite/migrate.ts";
import { migratedStorage } from "../../src/infrastructure/pglite/storage.ts";
import { upgrade, type UpgradeOptions } from "../../src/infrastructure/pglite/upgrade/upgrade.ts";
import { aPublishedPost, aRecord, aSession, aUser, recordingLog } from "../../src/testing/fixtures.ts";
import { addMigration, copyMigrations, FUTURE } from "../support/migrations-folder.ts";
import { filesOf, makeOldDirectory, openOldDirectory, POSTGRESQL_16, POSTGRESQL_17 } from "../support/old-directory.ts";
import { copyTemplate, embeddedDefaults } from "../support/test-storage.ts";
import { FIRST_VERSION } from "../../src/domain/shared/version.ts";

/** An upgrade starts three PostgreSQLs and creates a cluster. */
const UPGRADE_TIMEOUT_MS = 600_000;
const KEPT = "quire.before-upgrade";
/** The error codes of npm without a network or a registry. */
const IS_OFFLINE = /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT)\b/;
/** The tables that a test reads after the next start, which changes no row of them. */
const TABLES = ["users", "posts", "sessions", "idempotency_keys"];

const author = aUser();
/** A text that PostgreSQL compresses and stores outside its row, and one with every kind of character that a copy may change. */
const posts = [
  aPublishedPost(author.id, { title: "Long", content: "Wort ".repeat(100_000) }),
  aPublishedPost(author.id, { title: '漢字 \\N {NULL} "', content: "a\tb\r\nc\\nd,{}\"'" }),
  ...Array.from({ length: 250 }, (_, index) => aPublishedPost(author.id, { title: `Post ${index}` })),
];
const session = aSession(author.id);
const record = aRecord(author.id);

let template: string;
let directory: string;

beforeAll(async () => {
  template = await makeOldDirectory(POSTGRESQL_17, async (client) => {
    const storage = (await migratedStorage(client, MIGRATIONS_FOLDER))._unsafeUnwrap();
    (await storage.users.insert(author))._unsafeUnwrap();
    for (const post of posts) (await storage.posts.insert(post))._unsafeUnwrap();
    (await storage.sessions.insert(session, FIRST_VERSION))._unsafeUnwrap();
    (await storage.idempotencyKeys.insert(record, "always"))._unsafeUnwrap();
    await client.query("update search_index set last_ordinal = 7");
  });
}, UPGRADE_TIMEOUT_MS);
afterAll(async () => rm(template, { recursive: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-upgrade-"));
  await cp(template, directory, { recursive: true });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

function optionsFor(changes: Partial<UpgradeOptions> = {}): UpgradeOptions {
  return {
    directory,
    pglite: POSTGRESQL_17.pglite,
    migrations: MIGRATIONS_FOLDER,
    freeSpaceBytes: 0,
    log: recordingLog(),
    signal: new AbortController().signal,
    onProgress: () => {},
    ...changes,
  };
}

/** Opens the data directory like a server, and reads all rows of the lasting tables as text. */
async function rowsAfterStart(): Promise<Readonly<Record<string, readonly unknown[]>>> {
  const database = (await openEmbeddedDatabase({ ...embeddedDefaults, directory }))._unsafeUnwrap();
  const storage = (await migratedStorage(database.client, MIGRATIONS_FOLDER))._unsafeUnwrap();
  expect(await storage.schemaCheck()).toEqual(ok());
  const entries = TABLES.map(async (table) => {
    const text = `select row_to_json(t)::text as row from ${table} as t order by 1`;
    return [table, (await database.client.query<{ row: string }>(text)).rows.map(({ row }) => row)] as const;
  });
  const rows = Object.fromEntries(await Promise.all(entries));
  expect(await database.close()).toEqual(ok());
  return rows;
}

interface Refusal {
  readonly of: string;
  readonly prepare?: () => Promise<unknown>;
  readonly options?: Partial<UpgradeOptions>;
  readonly failure: object;
}

async function changeOld(statement: string): Promise<void> {
  await openOldDirectory(POSTGRESQL_17, directory, async (client) => void (await client.query(statement)));
}

async function insertUser(client: DrizzleClient): Promise<void> {
  await client.query(`insert into users (id, name, email, email_key, password_hash, role, version, created_at, updated_at)
    values ('${author.id}', 'Ada', 'ada@example.org', 'ada@example.org', 'x', 'author', 1, now(), now())`);
}

describe("an upgrade that is refused", { timeout: UPGRADE_TIMEOUT_MS }, () => {
  const refusals: readonly Refusal[] = [
    {
      of: "a newer PostgreSQL",
      prepare: async () => writeFile(join(directory, "cluster", "PG_VERSION"), "99\n"),
      failure: { kind: "upgrade_unsupported", postgresql: 99 },
    },
    {
      of: "another format",
      prepare: async () => writeFile(join(directory, "quire.json"), '{"format":9,"postgresql":17}'),
      failure: { kind: "upgrade_unsupported", format: 9, postgresql: 17 },
    },
    {
      of: "a directory with the old database of an earlier upgrade",
      prepare: async () => mkdir(join(directory, KEPT)),
      failure: { kind: "old_database_kept" },
    },
    {
      of: "a directory on a full disk",
      options: { freeSpaceBytes: 2 ** 52 },
      failure: { kind: "disk_too_small", purpose: "upgrade" },
    },
    {
      of: "a database with another release of PGlite",
      options: { pglite: POSTGRESQL_16.pglite },
      failure: { kind: "old_package_wrong", version: "0.4.6", found: "@electric-sql/pglite 0.2.17" },
    },
    {
      of: "a database without a package",
      options: { pglite: tmpdir() },
      failure: { kind: "old_package_wrong", found: null },
    },
    {
      of: "a database on a machine without npm",
      prepare: async () => vi.stubEnv("PATH", "/nonexistent"),
      options: { pglite: null },
      failure: { kind: "old_package_unavailable", version: "0.4.6", detail: "npm is not installed" },
    },
    {
      of: "a cluster with a truncated file",
      prepare: async () =>
        writeFile(join(directory, "quire.files.json"), '{"sizes":{"base/1/1255":99999999},"shutdown":null}'),
      failure: { kind: "data_directory_damaged", damage: { kind: "truncated" } },
    },
    {
      of: "a cluster whose log lacks acknowledged writes",
      prepare: async () => writeFile(join(directory, "quire.acknowledged"), "00000009/00000000\n"),
      failure: { kind: "data_directory_damaged", damage: { kind: "log_ends_early", neededUntil: "9/0" } },
    },
    {
      of: "a database with a table that no migration creates",
      prepare: async () => changeOld("create table notes (id int)"),
      failure: { kind: "upgrade_differs", table: "public.notes", difference: "schema" },
    },
    {
      of: "a database that a newer program has migrated",
      prepare: async () =>
        changeOld(`insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', ${FUTURE})`),
      failure: { kind: "migration_drift", drift: "newer", migration: new Date(FUTURE).toISOString() },
    },
  ];

  const named = refusals.map((refusal) => [refusal.of, refusal] as const);
  it.each(named)("leaves every file of %s as it was", async (_, { prepare, options, failure }) => {
    await prepare?.();
    const before = await filesOf(directory);
    expect((await upgrade(optionsFor(options)))._unsafeUnwrapErr()).toMatchObject(failure);
    expect(await filesOf(directory)).toEqual(before);
  });

  it("names the process that uses the directory", async () => {
    const lock = lockDataDirectory(directory)._unsafeUnwrap();
    const refused = await upgrade(optionsFor());
    lock.release();
    expect(refused._unsafeUnwrapErr()).toMatchObject({ kind: "data_directory_in_use", holder: { pid: process.pid } });
  });
});

describe("an upgrade", { timeout: UPGRADE_TIMEOUT_MS }, () => {
  it("keeps every row, and leaves the old database beside the new one as it was", async () => {
    const before = await filesOf(directory);
    const steps = new Set<string>();
    const upgraded = await upgrade(optionsFor({ onProgress: ({ step }) => steps.add(step) }));
    const kept = join(directory, KEPT);
    expect(upgraded._unsafeUnwrap()).toMatchObject({ directory, postgresql: 18, from: 17, kept });
    const counts = Object.fromEntries(upgraded._unsafeUnwrap().tables.map(({ table, rows }) => [table, rows]));
    expect(counts).toMatchObject({
      "public.users": 1,
      "public.posts": 252,
      "public.sessions": 1,
      "public.idempotency_keys": 1,
      "public.search_index": 1,
    });
    expect([...steps]).toEqual(["copy", "load", "check"]);
    expect(await filesOf(kept)).toEqual(before);
    expect((await readdir(directory)).toSorted()).toEqual(["cluster", KEPT, "quire.json", "quire.lock"]);
    expect(JSON.parse(await readFile(join(directory, "quire.json"), "utf8"))).toEqual({ format: 1, postgresql: 18 });

    const rows = await rowsAfterStart();
    const titles = rows["posts"]?.map((row) => (JSON.parse(String(row)) as { title: string }).title);
    expect(titles?.toSorted()).toEqual(posts.map(({ title }) => title as string).toSorted());
    const database = (await openEmbeddedDatabase({ ...embeddedDefaults, directory }))._unsafeUnwrap();
    const storage = (await migratedStorage(database.client, MIGRATIONS_FOLDER))._unsafeUnwrap();
    for (const post of posts.slice(0, 2)) {
      expect(await storage.posts.findById(post.id, { authorId: null })).toEqual(ok(post));
    }
    expect(await storage.users.findById(author.id)).toEqual(ok(author));
    expect(await storage.sessions.findByTokenDigest(session.tokenDigest)).toEqual(ok(session));
    const usage = "select bytes::text from account_usage";
    const counted = "select sum(post_bytes(title, content))::text as bytes from posts";
    const [used, written] = [await database.client.query(usage), await database.client.query(counted)];
    expect([used.rows.length, written.rows.length]).toEqual([1, 1]);
    await database.close();

    // A second run has nothing to do.
    const again = (await upgrade(optionsFor()))._unsafeUnwrap();
    expect(again).toEqual({ directory, postgresql: 18, from: null, kept: null, tables: [] });
  });

  it("stops when it is cancelled, leaves every file as it was, and succeeds when it is repeated", async () => {
    const before = await filesOf(directory);
    for (const stopAt of ["load", "check"]) {
      const stopping = new AbortController();
      const onProgress = ({ step }: { readonly step: string }) => {
        if (step === stopAt) stopping.abort();
      };
      const cancelled = await upgrade(optionsFor({ signal: stopping.signal, onProgress }));
      expect(cancelled._unsafeUnwrapErr()).toMatchObject({ kind: "upgrade_interrupted", isCancelled: true });
      expect(await filesOf(directory)).toEqual(before);
    }
    expect((await upgrade(optionsFor()))._unsafeUnwrap().from).toBe(17);
  });

  it("recovers the old database after a kill, and applies the migrations that it lacks", async () => {
    // Earlier releases with this PostgreSQL use the other database.
    const old = { ...POSTGRESQL_17, database: "template1", migrations: 8 } as const;
    const fill = async (client: DrizzleClient) => {
      await insertUser(client);
      await client.query(`insert into posts (id, title, content, author_id, status, version, created_at, updated_at)
        select gen_random_uuid(), 'Straße ' || i, 'words', '${author.id}', 'draft', 1, now(), now()
        from generate_series(1, 20) as i`);
    };
    await rm(directory, { recursive: true });
    directory = await makeOldDirectory(old, fill, "kill");
    const upgraded = (await upgrade(optionsFor()))._unsafeUnwrap();
    expect(upgraded.tables.map(({ table }) => table)).not.toContain("public.post_search");
    const rows = await rowsAfterStart();
    expect([rows["users"]?.length, rows["posts"]?.length]).toEqual([1, 20]);
  });

  it("upgrades PostgreSQL 16, whose PGlite it installs from npm and which uses another database", async ({ skip }) => {
    const old = await makeOldDirectory(POSTGRESQL_16, insertUser);
    await rm(directory, { recursive: true });
    directory = old;
    const before = await filesOf(directory);
    const upgraded = await upgrade(optionsFor({ pglite: null }));
    if (upgraded.isErr() && upgraded.error.kind === "old_package_unavailable") {
      expect(await filesOf(directory)).toEqual(before);
      skip(IS_OFFLINE.test(upgraded.error.detail), "the registry of npm is not reachable");
    }
    expect(upgraded._unsafeUnwrap()).toMatchObject({ from: 16, postgresql: 18 });
    expect((await readdir(directory)).toSorted()).toEqual(["cluster", KEPT, "quire.json", "quire.lock"]);
    expect((await rowsAfterStart())["users"]).toHaveLength(1);
  });

  it("continues the sequences of a schema", async () => {
    const migrations = await copyMigrations();
    const notes = "create table notes (id bigint generated always as identity primary key, text text not null)";
    await addMigration(migrations, "9999_notes", FUTURE, notes);
    const added = (await readMigrations(migrations))._unsafeUnwrap().slice(-1);
    await openOldDirectory(POSTGRESQL_17, directory, async (client) => {
      await applyMigrations(databaseOn(client), added);
      await client.query("insert into notes (text) values ('first'), ('second')");
    });
    expect((await upgrade(optionsFor({ migrations }))).isOk()).toBe(true);
    const database = (await openEmbeddedDatabase({ ...embeddedDefaults, directory }))._unsafeUnwrap();
    await database.client.query("insert into notes (text) values ('third')");
    const { rows } = await database.client.query("select id::text, text from notes order by id");
    await database.close();
    await rm(migrations, { recursive: true });
    expect(rows.map((row) => Object.values(row as object))).toEqual([
      ["1", "first"],
      ["2", "second"],
      ["3", "third"],
    ]);
  });

  it("needs no upgrade for a directory of this PostgreSQL", async () => {
    await rm(directory, { recursive: true });
    directory = await copyTemplate();
    const before = await filesOf(directory);
    expect((await upgrade(optionsFor()))._unsafeUnwrap()).toMatchObject({ postgresql: 18, kept: null });
    expect(await filesOf(directory)).toEqual(before);
  });
});
