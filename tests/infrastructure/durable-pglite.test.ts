import { existsSync } from "node:fs";
import { rm, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { customType, integer, pgSchema, pgTable, text } from "drizzle-orm/pg-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { RELATION_FILES_FILE } from "../../src/infrastructure/pglite/directory/layout.ts";
import { openDurablePglite, type DurablePglite } from "../../src/infrastructure/pglite/durable-pglite.ts";
import { copyDirectory } from "../support/plain-engine.ts";

const bytes = customType<{ data: Uint8Array }>({ dataType: () => "bytea" });
const notes = pgTable("notes", { id: integer().primaryKey(), title: text(), content: bytes() });
const tags = pgSchema("app").table("tags", { name: text().primaryKey() });

let directory: string;
let engine: DurablePglite;

const EXTENSIONS = { citext: "@electric-sql/pglite/contrib/citext" };

/** A copy of a running engine's directory equals the files of a killed process. */
async function copyOf(original: string): Promise<string> {
  const copied = await mkdtemp(join(tmpdir(), "quire-engine-copy-"));
  await copyDirectory(original, copied);
  return copied;
}

const open = async (path: string) =>
  openDurablePglite({
    directory: path,
    durability: "relaxed",
    extensions: EXTENSIONS,
    settings: { default_text_search_config: "simple" },
  });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-engine-"));
  engine = (await open(directory))._unsafeUnwrap();
  await engine.client.exec(`
    create extension citext;
    create table notes (id int primary key, title citext, content bytea);
    create schema app;
    create table app.tags (name text primary key);
  `);
});
afterAll(async () => {
  (await engine.close())._unsafeUnwrap();
  await rm(directory, { recursive: true });
});

describe("the durable engine on another schema", () => {
  it("gives Drizzle its tables, with bytes, transactions and savepoints", async () => {
    const db = engine.drizzle({ schema: { notes, tags } });
    const content = new Uint8Array([0, 92, 255]);
    await db.transaction(async (outer) => {
      await outer.insert(notes).values({ id: 1, title: "Hello", content });
      await outer.transaction(async (inner) => inner.insert(tags).values({ name: "one" }));
      await outer
        .transaction(async (inner) => {
          await inner.insert(tags).values({ name: "two" });
          inner.rollback();
        })
        .catch(() => undefined);
    });
    expect(await db.query.notes.findMany()).toEqual([{ id: 1, title: "Hello", content }]);
    expect(await db.query.tags.findMany()).toEqual([{ name: "one" }]);
    expect(db.$client).toBe(engine.client);
  });

  it("loads the extensions and settings of its options", async () => {
    const db = engine.drizzle();
    const { rows } =
      await db.execute(sql`select 'A'::citext = 'a' as same, current_setting('vacuum_truncate') as truncates,
      current_setting('default_text_search_config') as config`);
    expect(rows).toEqual([{ same: true, truncates: "off", config: "simple" }]);
  });

  it("runs a script as one transaction, and returns the result of each statement", async () => {
    const { client } = engine;
    const results = await client.exec("select 1 as one; insert into app.tags values ('three') returning name");
    expect(results.map(({ rows }) => rows)).toEqual([[{ one: 1 }], [{ name: "three" }]]);
    await expect(client.exec("delete from app.tags; select 1 / 0")).rejects.toMatchObject({ code: "22012" });
    await expect(client.exec("begin; delete from app.tags")).rejects.toThrow("left its transaction open");
    expect((await client.query("select count(*)::int as count from app.tags")).rows).toEqual([{ count: 2 }]);
  });

  it("ends the transaction of a script that has failed in it, so that later statements run", async () => {
    const { client } = engine;
    const script = "begin; insert into app.tags values ('lost'); select 1 / 0";
    await expect(client.exec(script)).rejects.toMatchObject({ code: "22012" });
    expect((await client.query("select name from app.tags where name = 'lost'")).rows).toEqual([]);
  });

  it("prepares statements again after a change of the schema", async () => {
    const { client } = engine;
    const read = async () => Object.keys((await client.query<object>("select * from app.tags")).rows[0] ?? {});
    expect(await read()).toEqual(["name"]);
    await client.query("alter table app.tags add color text");
    expect(await read()).toEqual(["name", "color"]);
    await client.exec("alter table app.tags add size int");
    expect(await read()).toEqual(["name", "color", "size"]);
    await client.transaction(async (transaction) => transaction.query("alter table app.tags drop size, drop color"));
    expect(await read()).toEqual(["name"]);
  });

  it("calls a listener for each notification of its channel, until the listener ends", async () => {
    const { client } = engine;
    const heard: string[] = [];
    const end = await client.listen('a "channel"', (payload) => void heard.push(payload));
    await client.query("select pg_notify($1, $2)", ['a "channel"', "one"]);
    await client.transaction(async (transaction) => {
      await transaction.query(`notify "a ""channel""", 'two'`);
      expect(heard).toEqual(["one"]);
    });
    await vi.waitFor(() => expect(heard).toEqual(["one", "two"]));
    await end();
    await client.query("select pg_notify($1, $2)", ['a "channel"', "three"]);
    await client.query("select 1");
    expect(heard).toEqual(["one", "two"]);
  });

  it("keeps its subscriptions when the engine restarts", async () => {
    const copied = await copyOf(directory);
    const options = {
      directory: copied,
      durability: "relaxed",
      extensions: EXTENSIONS,
      statementDeadlineMs: 2000,
    } as const;
    const { client, close } = (await openDurablePglite(options))._unsafeUnwrap();
    const heard: string[] = [];
    await client.listen("news", (payload) => void heard.push(payload));
    // The watchdog ends the engine, because no statement can be cancelled.
    await expect(client.query("select pg_sleep(600)")).rejects.toMatchObject({ code: "57014" });
    // On a busy machine a restart takes longer than a statement may wait.
    await vi.waitFor(async () => client.query("select pg_notify('news', 'after the restart')"), { timeout: 60_000 });
    expect(heard).toEqual(["after the restart"]);
    (await close())._unsafeUnwrap();
    await rm(copied, { recursive: true });
  });

  it("opens after a crash that follows the removal of tables", async () => {
    const { client } = engine;
    await client.exec("create table scratch (id int); insert into scratch select generate_series(1, 1000)");
    const record = join(directory, RELATION_FILES_FILE);
    const changeSchema = async (statement: string) =>
      engine.changeSchema(async () => void (await client.query(statement)));
    // The checkpoint after the change records the files. Statements do not wait for the record, except those that remove files.
    await changeSchema("create table other (id int)");
    await vi.waitFor(() => expect(existsSync(record)).toBe(true), { timeout: 60_000 });
    await client.query("truncate scratch");
    await client.transaction(async (transaction) => transaction.query("drop table other"));
    await client.query("insert into scratch select generate_series(1, 1000)");
    await changeSchema("create table third (id int)");
    await client.query("truncate scratch");
    expect(existsSync(record)).toBe(false);
    const crashed = await copyOf(directory);
    const opened = (await open(crashed))._unsafeUnwrap();
    expect((await opened.client.query("select count(*)::int as count from scratch")).rows).toEqual([{ count: 0 }]);
    (await opened.close())._unsafeUnwrap();
    await rm(crashed, { recursive: true });
  });

  it("refuses a second opener of the data directory", async () => {
    expect((await open(directory))._unsafeUnwrapErr()).toMatchObject({ kind: "data_directory_in_use" });
  });

  it("does not start without an extension that its options name", async () => {
    const other = await mkdtemp(join(tmpdir(), "quire-engine-"));
    const extensions = { nothing: "@electric-sql/pglite/contrib/citext" };
    const opened = await openDurablePglite({ directory: other, durability: "relaxed", extensions });
    expect(opened._unsafeUnwrapErr()).toMatchObject({
      kind: "engine_not_started",
      detail: expect.stringContaining(
        "The module @electric-sql/pglite/contrib/citext has no extension nothing.",
      ) as string,
    });
    await rm(other, { recursive: true });
  });
});
