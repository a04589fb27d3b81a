import { drizzle } from "drizzle-orm/postgres-js";
import type postgres from "postgres";
import { afterEach, describe, expect, inject, it } from "vitest";
import { attempt } from "../../src/infrastructure/drizzle/attempt.ts";
import { openPostgresStorage, type PostgresStorage } from "../../src/infrastructure/postgresql/postgres-storage.ts";
import { serverClient, type ServerClient } from "../../src/infrastructure/postgresql/client/client.ts";
import { parseServerUrl, type ServerUrl } from "../../src/infrastructure/postgresql/client/server-url.ts";
import { checkMigratedServer } from "../../src/infrastructure/postgresql/request-storage.ts";
import { explain } from "../../src/bootstrap/process-failure.ts";
import { aPublishedPost, aUser, recordingLog } from "../../src/testing/fixtures.ts";
import { createDatabase, serverDefaults } from "../support/test-storage.ts";

// The whole contract of the storage runs on a database with all these settings in
// tests/contract/ports/storage-postgresql.test.ts.

const clients: ServerClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.end(1000);
});

function connect(server: ServerUrl): ServerClient {
  const client = serverClient({ ...serverDefaults, server, poolSize: 1 });
  clients.push(client);
  return client;
}

async function opened(server: ServerUrl, options: object = {}): Promise<PostgresStorage> {
  return (await openPostgresStorage({ ...serverDefaults, server, ...options }))._unsafeUnwrap();
}

async function refusalOf(server: ServerUrl, options: object = {}) {
  const refused = await openPostgresStorage({ ...serverDefaults, server, ...options });
  return explain(refused._unsafeUnwrapErr());
}

/** Expects that the storage returns written rows. */
async function expectServed(storage: PostgresStorage): Promise<void> {
  const user = aUser();
  (await storage.users.insert(user))._unsafeUnwrap();
  expect((await storage.users.findById(user.id))._unsafeUnwrap()).toEqual(user);
  const post = aPublishedPost(user.id);
  (await storage.posts.insert(post))._unsafeUnwrap();
  expect((await storage.posts.findById(post.id, null))._unsafeUnwrap()).toEqual(post);
}

describe("a database with unusual settings", () => {
  it.each(["repeatable read", "serializable"])(
    "is migrated once when several processes start simultaneously with the isolation %s",
    async (isolation) => {
      const server = await createDatabase([`default_transaction_isolation = '${isolation}'`]);
      const log = recordingLog();
      const storages = await Promise.all(Array.from({ length: 5 }, async () => opened(server, { log })));
      expect(log.lines.filter(({ message }) => message === "schema migrated")).toHaveLength(1);
      await Promise.all(storages.map(async (storage) => storage.close()));
    },
  );

  it.each([
    ["LATIN1", "encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0"],
    ["SQL_ASCII", "encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0"],
  ])("is rejected at the start with a remedy when its encoding is %s", async (encoding, options) => {
    const { exitCode, message } = await refusalOf(await createDatabase([], options));
    expect(exitCode).toBe(78);
    expect(message).toContain(`encoded in ${encoding}`);
    expect(message).toContain("create database quire encoding 'UTF8' template template0");
  });

  it("works for a role with a schema of the same name", async () => {
    const server = await createDatabase();
    const client = connect(server);
    await client.unsafe("create schema postgres");
    const storage = await opened(server);
    await expectServed(storage);
    await storage.close();
    const tables = "select count(*)::int as tables from pg_tables where schemaname = 'postgres'";
    expect(await client.unsafe(tables)).toMatchObject([{ tables: 0 }]);
  });

  it("works with extensions in other schemas", async () => {
    const server = await createDatabase();
    const client = connect(server);
    await client.unsafe(`create schema ext; create schema "Ext ""2"""`);
    await client.unsafe(`create extension pg_trgm schema ext; create extension unaccent schema "Ext ""2"""`);
    const storage = await opened(server);
    await expectServed(storage);
    await storage.close();
  });

  it("is rejected behind a pooler in transaction mode when the role lacks settings, with the SQL to run", async () => {
    const server = await createDatabase(["search_path = app", "bytea_output = 'escape'"]);
    const { exitCode, message } = await refusalOf(server, { setsTimeouts: false });
    expect(exitCode).toBe(78);
    expect(message).toContain(`alter role … set bytea_output = 'hex'; alter role … set search_path = "public";`);
  });

  it("is rejected behind a pooler when another schema comes before public, with the SQL to run", async () => {
    const server = await createDatabase(["search_path = app, public"]);
    await connect({ ...server, isPooled: true }).unsafe("create schema app");
    const { exitCode, message } = await refusalOf(server, { setsTimeouts: false });
    expect(exitCode).toBe(78);
    expect(message).toContain(`alter role … set search_path = "public";`);
  });

  it.each([
    ["the options set no timeouts", { setsTimeouts: false }, false],
    ["the URL says that a pooler is used", { setsTimeouts: true }, true],
  ])("is rejected for the storage of a request if %s and the role lacks settings", async (_, options, isPooled) => {
    const server = { ...(await createDatabase(["bytea_output = 'escape'"])), isPooled };
    const checked = await checkMigratedServer({ ...serverDefaults, ...options, server, needed: [] });
    expect(checked._unsafeUnwrapErr()).toMatchObject({
      kind: "database_unsuitable",
      detail: expect.stringContaining("alter role … set bytea_output = 'hex';") as unknown,
    });
  });

  it("works behind a pooler in transaction mode when the role has the settings", async () => {
    const storage = await opened(await createDatabase(), { setsTimeouts: false, preparesStatements: false });
    await expectServed(storage);
    await storage.close();
  });

  it("receives no session settings and no prepared statements when the URL says that a pooler is used", async () => {
    const server = { ...(await createDatabase(["bytea_output = 'escape'"])), isPooled: true };
    const client = connect(server);
    expect(await client.unsafe("show bytea_output")).toMatchObject([{ bytea_output: "escape" }]);
    await client.unsafe("select 1 where $1 = $1", ["a"], { prepare: true });
    expect(await client.unsafe("select count(*)::int as prepared from pg_prepared_statements")).toMatchObject([
      { prepared: 0 },
    ]);
  });
});

describe("a server that lacks the library of an extension", () => {
  it("is reported as unavailable and not as corrupt", async () => {
    const client = connect(await createDatabase());
    const db = drizzle({ client: client as unknown as postgres.Sql });
    const loaded = await attempt(db, "test", async () =>
      client.unsafe("create function f() returns int as 'nowhere', 'f' language c"),
    );
    expect(loaded._unsafeUnwrapErr()).toMatchObject({
      reason: "unavailable",
      cause: { message: expect.stringContaining("nowhere") as unknown },
    });
  });
});

describe("a URL of a server", () => {
  it("can name a Unix socket and an IPv6 address", async () => {
    const { hosts, database } = await createDatabase();
    const port = hosts[0].path === undefined ? hosts[0].port : 0;
    const urls = [
      `postgresql:///${database}?host=/tmp&port=${port}&user=postgres&password=postgres`,
      `postgres://postgres:postgres@/${database}?host=/tmp&port=${port}`,
      `postgres://postgres:postgres@%2Ftmp:${port}/${database}`,
      // The test servers listen on IPv4. This is an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2).
      `postgres://postgres:postgres@[::ffff:127.0.0.1]:${port}/${database}?sslmode=disable`,
    ];
    for (const url of urls) {
      const client = connect(parseServerUrl(url)._unsafeUnwrap());
      expect(await client.unsafe("select current_database() as name")).toMatchObject([{ name: database }]);
    }
  });

  it("can contain every character of a password, encoded or raw", async () => {
    const server = await createDatabase();
    const role = `ada_${crypto.randomUUID().replaceAll("-", "")}`;
    await connect(server).unsafe(`create role ${role} login password 'p@ss/w#1?%x:y'`);
    const port = new URL(inject("postgresServer")).port;
    const url = `postgres://${role}:${encodeURIComponent("p@ss/w#1?%x:y").replace("%40", "@")}@127.0.0.1:${port}/postgres`;
    const client = connect(parseServerUrl(url)._unsafeUnwrap());
    expect(await client.unsafe("select current_user as name")).toMatchObject([{ name: role }]);
  });
});
