import { rm } from "node:fs/promises";
import { ok } from "neverthrow";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { PostId } from "../../src/domain/shared/id.ts";
import type { PageCursor } from "../../src/domain/shared/page.ts";
import type { PostTitle } from "../../src/domain/post/post.ts";
import { titleSortKey } from "../../src/domain/post/title-key.ts";
import { openEmbeddedDatabase } from "../../src/infrastructure/pglite/embedded-database.ts";
import { embeddedStorage, migratedStorage } from "../../src/infrastructure/pglite/storage.ts";
import { openPostgresStorage } from "../../src/infrastructure/postgresql/postgres-storage.ts";
import { serverClient } from "../../src/infrastructure/postgresql/client/client.ts";
import { MIGRATIONS_FOLDER, type OpenedStorage } from "../../src/bootstrap/open-storage.ts";
import { ANY_BATCH, aPublishedPost, aUser, EVERY_POST, NOW } from "../../src/testing/fixtures.ts";
import { copyTemplate, createDatabase, embeddedDefaults, serverDefaults } from "../support/test-storage.ts";

type Opened = Omit<OpenedStorage, "location" | "gaveUp" | "isIdle" | "statistics" | "beginBackup">;

/** A database that an older Quire version, without title keys, writes as well. */
interface SharedDatabase {
  /** Opens it with the current version. */
  open(): Promise<Opened>;
  /** Runs a statement of the older version. */
  run(statement: string): Promise<readonly Record<string, unknown>[]>;
  remove(): Promise<unknown>;
}

/** One engine runs for all tests, because neither version keeps title keys in memory. */
async function dataDirectory(): Promise<SharedDatabase> {
  const options = { ...embeddedDefaults, directory: await copyTemplate(), durability: "relaxed" } as const;
  const database = (await openEmbeddedDatabase(options))._unsafeUnwrap();
  return {
    open: async () => {
      const migrated = (await migratedStorage(database.client, MIGRATIONS_FOLDER))._unsafeUnwrap();
      const storage = embeddedStorage(database, migrated);
      const { renewTitleKeys, searchIndex } = migrated;
      return { ...storage, renewTitleKeys, searchIndex, close: async () => ok() };
    },
    run: async (statement) => (await database.client.query<Record<string, unknown>>(statement)).rows,
    remove: async () => {
      (await database.close())._unsafeUnwrap();
      await rm(options.directory, { recursive: true });
    },
  };
}

async function serverDatabase(): Promise<SharedDatabase> {
  const options = { ...serverDefaults, server: await createDatabase() };
  const client = serverClient({ ...options, poolSize: 1 });
  return {
    open: async () => (await openPostgresStorage(options))._unsafeUnwrap(),
    run: async (statement) => (await client.unsafe(statement)) as readonly Record<string, unknown>[],
    remove: async () => client.end(1000),
  };
}

const author = aUser();
const idOf = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const NEVER = () => false;

/** Returns the statement by which the older version inserts posts, one for each title. */
function insertOld(titles: readonly string[], from = 0): string {
  const time = NOW.toISOString();
  const rows = titles.map(
    (title, n) =>
      `('${idOf(from + n)}', '${title}', 'Content', '${author.id}', 'published', '${time}', 1, '${time}', '${time}')`,
  );
  return `insert into posts (id, title, content, author_id, status, published_at, version, created_at, updated_at)
    values ${rows.join(", ")}`;
}

/** Returns the statement by which the older version edits a post. */
const editOld = (n: number, title: string) =>
  `update posts set title = '${title}', version = version + 1 where id = '${idOf(n)}'`;

describe.each([
  ["data directory", dataDirectory],
  ["database on a server", serverDatabase],
])("a %s that an older version writes", (_, make) => {
  let database: SharedDatabase;
  let opened: Opened[] = [];

  const start = async () => {
    const storage = await database.open();
    opened.push(storage);
    return storage;
  };
  const stop = async () => {
    for (const storage of opened) await storage.close();
    opened = [];
  };
  beforeAll(async () => {
    database = await make();
    (await (await start()).users.insert(author))._unsafeUnwrap();
    await stop();
  });
  afterEach(async () => {
    await stop();
    await database.run("delete from posts");
  });
  afterAll(async () => database.remove());

  async function titles({ posts }: Opened, descending = false): Promise<string[]> {
    const seen: string[] = [];
    let from: PageCursor<PostId> | null = null;
    do {
      const page = await posts.list(EVERY_POST, { by: "title", descending }, { limit: 2, from });
      const { items, next } = page._unsafeUnwrap();
      seen.push(...items.map(({ title }) => title));
      from = next;
    } while (from !== null);
    return seen;
  }

  const OLD = ["zoo", "Post 10", "Post 9", "Äpfel"];

  it("lists each post once without its key, and in order after the renewal", async () => {
    await database.run(insertOld(OLD));
    const storage = await start();
    (await storage.posts.insert(aPublishedPost(author.id, { title: "BANANA" })))._unsafeUnwrap();
    expect(await titles(storage)).toEqual(["Post 10", "Post 9", "BANANA", "zoo", "Äpfel"]);
    expect(await titles(storage, true)).toEqual(["Post 10", "Post 9", "BANANA", "zoo", "Äpfel"].toReversed());
    expect((await storage.renewTitleKeys(NEVER))._unsafeUnwrap()).toBe(OLD.length);
    expect(await titles(storage)).toEqual(["Äpfel", "BANANA", "Post 9", "Post 10", "zoo"]);
    expect((await storage.renewTitleKeys(NEVER))._unsafeUnwrap()).toBe(0);
  });

  it("does not use the outdated key of an edited title", async () => {
    await database.run(insertOld(["a", "b", "c"]));
    let storage = await start();
    (await storage.renewTitleKeys(NEVER))._unsafeUnwrap();
    await stop();
    await database.run(editOld(0, "x"));
    storage = await start();
    expect(await titles(storage)).toEqual(["b", "c", "x"]);
    // A reassignment, here to the same author, changes the version and not the title.
    (await storage.posts.reassign(author.id, author.id, NOW, ANY_BATCH, null))._unsafeUnwrap();
    expect(await titles(storage)).toEqual(["b", "c", "x"]);
    expect((await storage.renewTitleKeys(NEVER))._unsafeUnwrap()).toBe(1);
    expect(await titles(storage)).toEqual(["b", "c", "x"]);
  });

  it("gets the keys of thousands of titles, without another change of the posts", async () => {
    const many = Array.from({ length: 2345 }, (_, n) => `Títle ${n}`);
    await database.run(insertOld(many));
    const storage = await start();
    expect((await storage.renewTitleKeys(NEVER))._unsafeUnwrap()).toBe(many.length);
    const found = await storage.posts.findById(idOf(42) as PostId, null);
    const expected = aPublishedPost(author.id, { id: idOf(42) as PostId, title: "Títle 42", content: "Content" });
    expect(found._unsafeUnwrap()).toStrictEqual(expected);
    await stop();
    const rows = await database.run("select title, title_key from posts where title_key_version = version");
    expect(rows).toHaveLength(many.length);
    for (const { title, title_key: key } of rows) expect(key).toBe(titleSortKey(title as PostTitle));
  });

  it("stops the renewal with the process, and continues it in the next process", async () => {
    const many = Array.from({ length: 250 }, (_, n) => `Title ${n}`);
    await database.run(insertOld(many));
    const storage = await start();
    let asked = 0;
    const first = (await storage.renewTitleKeys(() => ++asked > 1))._unsafeUnwrap();
    expect(first).toBe(100);
    expect((await storage.renewTitleKeys(NEVER))._unsafeUnwrap()).toBe(150);
  });
});

describe("several processes on one server", () => {
  it("renew each key once, and no key of a title that changes meanwhile", async () => {
    const database = await serverDatabase();
    const processes = await Promise.all([database.open(), database.open(), database.open()]);
    (await processes[0].users.insert(author))._unsafeUnwrap();
    const many = Array.from({ length: 1000 }, (_, n) => `Title ${n}`);
    await database.run(insertOld(many));
    const edits = async () => {
      for (let n = 0; n < many.length; n += 25) await database.run(editOld(n, `Edited ${n}`));
      return 0;
    };
    const renewals = processes.map(async ({ renewTitleKeys }) => (await renewTitleKeys(NEVER))._unsafeUnwrap());
    await Promise.all([...renewals, edits()]);
    // Renews the posts that were edited after their renewal or were locked during it.
    (await processes[0].renewTitleKeys(NEVER))._unsafeUnwrap();
    const rows = await database.run("select title, title_key from posts where title_key_version = version");
    expect(rows).toHaveLength(many.length);
    for (const { title, title_key: key } of rows) expect(key).toBe(titleSortKey(title as PostTitle));
    await Promise.all(processes.map(async (process) => process.close()));
    await database.remove();
  });
});
