import { cp, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ok } from "neverthrow";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Storage } from "../../src/application/ports/storage.ts";
import { useCases } from "../../src/application/application.ts";
import { nodeAdapters } from "../../src/bootstrap/compose.ts";
import { emailKey, type EmailAddress } from "../../src/domain/user/email-address.ts";
import { changeUser } from "../../src/domain/user/user.ts";
import { openEmbeddedDatabase } from "../../src/infrastructure/pglite/embedded-database.ts";
import { embeddedStorage, migratedStorage, openPgliteStorage } from "../../src/infrastructure/pglite/storage.ts";
import { openPostgresStorage } from "../../src/infrastructure/postgresql/postgres-storage.ts";
import { serverClient } from "../../src/infrastructure/postgresql/client/client.ts";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { aUser, email, EVERY_POST, LATER, name, NOW, password, recordingLog } from "../../src/testing/fixtures.ts";
import { fakeHasher } from "../../src/testing/fake-hasher.ts";
import { copyTemplate, createDatabase, embeddedDefaults, serverDefaults } from "../support/test-storage.ts";

const PASSWORD = "correct horse";

/** The previous rule for keys: `ß` equals `ss`, `ı` equals `i`, and A-labels are not decoded. */
const oldKey = (address: string) =>
  address.normalize("NFKC").toLowerCase().toUpperCase().toLowerCase().replaceAll("ς", "σ").normalize("NFKC");

/** A database of a Quire version with the previous rule. */
interface OldDatabase {
  /** Runs SQL of the previous version. */
  run(...statements: readonly string[]): Promise<void>;
  /** Opens it with the current version. */
  open(log?: ReturnType<typeof recordingLog>): Promise<Storage>;
  remove(): Promise<void>;
}

let older: string;

beforeAll(async () => {
  older = await mkdtemp(join(tmpdir(), "quire-older-migrations-"));
  await cp(MIGRATIONS_FOLDER, older, { recursive: true });
  const journal = join(older, "meta", "_journal.json");
  const { entries, ...rest } = JSON.parse(await readFile(journal, "utf8")) as { entries: { tag: string }[] };
  const end = entries.findIndex(({ tag }) => tag.endsWith("_unicode_email_index"));
  expect(end).toBeGreaterThan(0);
  await writeFile(journal, JSON.stringify({ ...rest, entries: entries.slice(0, end) }));
});
afterAll(async () => rm(older, { recursive: true }));

/** One engine runs for the whole test. Each opening renews the keys, as a start of the engine does. */
async function oldDataDirectory(): Promise<OldDatabase> {
  const options = { ...embeddedDefaults, directory: await copyTemplate(), durability: "relaxed" } as const;
  const database = (await openEmbeddedDatabase(options))._unsafeUnwrap();
  return {
    run: async (...statements) => {
      for (const statement of statements) await database.client.query(statement);
    },
    open: async (log = recordingLog()) => {
      const migrated = (await migratedStorage(database.client, MIGRATIONS_FOLDER))._unsafeUnwrap();
      (await migrated.renewEmailKeys(log))._unsafeUnwrap();
      return { ...embeddedStorage(database, migrated), close: async () => ok() };
    },
    remove: async () => {
      (await database.close())._unsafeUnwrap();
      await rm(options.directory, { recursive: true });
    },
  };
}

/** Has the schema of the previous version as well. */
async function oldServerDatabase(): Promise<OldDatabase> {
  const server = await createDatabase();
  const options = { ...serverDefaults, server };
  await (await openPostgresStorage({ ...options, migrations: older }))._unsafeUnwrap().close();
  return {
    run: async (...statements) => {
      const client = serverClient({ ...options, poolSize: 1 });
      for (const statement of statements) await client.unsafe(statement);
      await client.end(1000);
    },
    open: async (log = recordingLog()) => (await openPostgresStorage({ ...options, log }))._unsafeUnwrap(),
    remove: async () => {},
  };
}

const KINDS = [
  ["data directory", oldDataDirectory],
  ["database on a server", oldServerDatabase],
] as const;

const PASSWORD_HASH = (await fakeHasher.hash(password(PASSWORD)))._unsafeUnwrap();

const CHANGED = ["info@straße.de", "mıke@example.org", "a@βόλος.com", "x@xn--bcher-kva.example"];

function insertOld(address: string, id: string = crypto.randomUUID()): string {
  const time = NOW.toISOString();
  const values = [id, "Ada", address, oldKey(address), PASSWORD_HASH, "author", "1", time, time];
  return `insert into users (id, name, email, email_key, password_hash, role, version, created_at, updated_at)
    values (${values.map((value) => `'${value.replaceAll("'", "''")}'`).join(", ")})`;
}

/** Functions that make and start old databases. Each test closes and removes those that it has made. */
function oldDatabases(make: () => Promise<OldDatabase>) {
  let databases: OldDatabase[] = [];
  let opened: Storage[] = [];

  afterEach(async () => {
    for (const storage of opened) await storage.close();
    for (const database of databases) await database.remove();
    [opened, databases] = [[], []];
  });

  async function databaseOf(...addresses: readonly string[]): Promise<OldDatabase> {
    const database = await make();
    databases.push(database);
    // The ids ascend in the order of the addresses, so the first user is the oldest.
    const idOf = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
    if (addresses.length > 0) await database.run(...addresses.map((address, n) => insertOld(address, idOf(n))));
    return database;
  }

  async function start(database: OldDatabase, log = recordingLog()): Promise<Storage> {
    const storage = await database.open(log);
    opened.push(storage);
    return storage;
  }

  async function stop(storage: Storage): Promise<void> {
    await storage.close();
    opened = opened.filter((each) => each !== storage);
  }

  return { databaseOf, start, stop };
}

/** Returns the address of the logged-in user, or the kind of the failure. */
async function logIn(storage: Storage, address: string): Promise<string> {
  const { logIn } = useCases({ ...nodeAdapters, hasher: fakeHasher, ...storage, sessionIdleMs: 1_000_000 } as never);
  const result = await logIn({ email: address, password: PASSWORD }, null);
  return result.match(
    ({ value: { user } }) => user.email ?? "",
    ({ kind }) => kind,
  );
}

const warnings = (log: ReturnType<typeof recordingLog>) =>
  log.lines.filter(({ fields }) => "sameAddressAs" in fields).map(({ fields, message }) => ({ ...fields, message }));

describe.each(KINDS)("a %s with the e-mail keys of the previous rule", (_, make) => {
  const { databaseOf, start, stop } = oldDatabases(make);

  it("lets all users log in by the new rule", async () => {
    const database = await databaseOf("ada@example.org", "zoë@example.org", ...CHANGED);
    const storage = await start(database);
    for (const address of ["ada@example.org", "zoë@example.org", ...CHANGED]) {
      expect(await logIn(storage, address)).toBe(address);
    }
    expect(await logIn(storage, "x@BÜCHER.example")).toBe("x@xn--bcher-kva.example");
  });

  it("renews the keys of an older process at the next start, and renews each key once", async () => {
    const database = await databaseOf();
    await stop(await start(database));
    await database.run(insertOld("info@straße.de"));
    const log = recordingLog();
    const storage = await start(database, log);
    expect(await logIn(storage, "info@straße.de")).toBe("info@straße.de");
    expect(log.lines).toContainEqual(expect.objectContaining({ level: "info", fields: { users: 1 } }));
    await stop(storage);
    const later = recordingLog();
    await start(database, later);
    expect(later.lines.filter(({ fields }) => "users" in fields)).toEqual([]);
  });

  it("is renewed completely or not at all, and again at the next start", async () => {
    const database = await databaseOf(...CHANGED);
    await database.run(
      `create function refuse() returns trigger language plpgsql as $$ begin raise 'interrupted'; end $$`,
      `create trigger interruption before update on users for each row when (new.email_key = '${emailKey("a@βόλος.com" as EmailAddress)}') execute function refuse()`,
    );
    await expect(database.open()).rejects.toThrow();
    await database.run(
      `create table kept as select count(*) from users where email_key in (${CHANGED.map((address) => `'${oldKey(address)}'`).join(", ")})`,
      `do $$ begin if (select count from kept) <> ${CHANGED.length} then raise 'something was changed'; end if; end $$`,
      "drop trigger interruption on users",
    );
    const storage = await start(database);
    for (const address of CHANGED) expect(await logIn(storage, address)).toBe(address);
  });
});

// The statements of a renewal are the same on the embedded engine.
describe("the renewal of the e-mail keys of the previous rule", () => {
  const { databaseOf, start, stop } = oldDatabases(oldServerDatabase);

  it("releases addresses that differ by the new rule", async () => {
    const database = await databaseOf(...CHANGED);
    const storage = await start(database);
    for (const address of ["info@strasse.de", "mike@example.org", "a@βόλοσ.com"]) {
      expect(await logIn(storage, address)).toBe("invalid_credentials");
      expect((await storage.users.insert(aUser({ email: email(address) }))).isOk()).toBe(true);
    }
    const taken = await storage.users.insert(aUser({ email: email("x@bücher.example") }));
    expect(taken._unsafeUnwrapErr()).toEqual({ kind: "email_taken" });
  });

  it("keeps the versions and the times of users", async () => {
    const database = await databaseOf("info@straße.de");
    const user = (await (await start(database)).users.findByEmail(email("info@straße.de")))._unsafeUnwrap();
    expect(user).toMatchObject({ version: 1, updatedAt: NOW });
  });

  it("assigns keys that other users had before, in any order", async () => {
    const database = await databaseOf("m@fa\ufe0fss.de", "m@faß.de");
    const storage = await start(database);
    expect(await logIn(storage, "m@fass.de")).toBe("m@fa\ufe0fss.de");
    expect(await logIn(storage, "m@faß.de")).toBe("m@faß.de");
  });

  describe("with two users whose addresses are equal by the new rule", () => {
    const [FIRST, SECOND] = ["a@xn--bcher-kva.example", "a@bücher.example"];

    it("lets both log in with their own spelling of the address", async () => {
      const database = await databaseOf(FIRST, SECOND);
      const storage = await start(database);
      expect(await logIn(storage, FIRST)).toBe(FIRST);
      expect(await logIn(storage, SECOND)).toBe(SECOND);
      // The user that already had the key keeps it.
      expect(await logIn(storage, "A@BÜCHER.example")).toBe(SECOND);
      const taken = await storage.users.insert(aUser({ email: email("a@Bücher.example") }));
      expect(taken._unsafeUnwrapErr()).toEqual({ kind: "email_taken" });
    });

    it("logs their ids at every start until one of the addresses changes", async () => {
      const database = await databaseOf(FIRST, SECOND);
      const log = recordingLog();
      let storage = await start(database, log);
      const first = (await storage.users.findByEmail(email(FIRST)))._unsafeUnwrap();
      const second = (await storage.users.findByEmail(email(SECOND)))._unsafeUnwrap();
      const expected = { userId: first.id, sameAddressAs: second.id, message: expect.stringContaining("kept apart") };
      expect(warnings(log)).toContainEqual(expected);
      await stop(storage);
      const again = recordingLog();
      storage = await start(database, again);
      expect(warnings(again)).toContainEqual(expected);

      const moved = changeUser(second, { email: email("ada@example.org") }, LATER);
      (await storage.users.update(moved, second.version))._unsafeUnwrap();
      await stop(storage);
      const last = recordingLog();
      storage = await start(database, last);
      expect(warnings(last)).toEqual([]);
      expect(await logIn(storage, "a@BÜCHER.example")).toBe(FIRST);
    });

    it("lets the user without the key change the name and the address", async () => {
      const database = await databaseOf(FIRST, SECOND);
      const storage = await start(database);
      const user = (await storage.users.findByEmail(email(FIRST)))._unsafeUnwrap();
      const renamed = changeUser(user, { name: name("Grace") }, LATER);
      expect((await storage.users.update(renamed, user.version)).isOk()).toBe(true);
      expect(await logIn(storage, FIRST)).toBe(FIRST);
      const moved = changeUser(renamed, { email: email("Grace@example.org") }, LATER);
      expect((await storage.users.update(moved, renamed.version)).isOk()).toBe(true);
      expect(await logIn(storage, "grace@example.org")).toBe("Grace@example.org");
      expect(await logIn(storage, FIRST)).toBe(SECOND);
    });
  });

  it("renews more users than fit in one statement", async () => {
    const database = await databaseOf();
    await database.run(
      `insert into users select gen_random_uuid(), 'Ada', n || '@straße.de', n || '@strasse.de', '-', 'author', 1, now(), now()
        from generate_series(1, 2500) as n`,
    );
    const storage = await start(database);
    for (const n of [1, 999, 1000, 1001, 2500]) {
      const found = await storage.users.findByEmail(email(`${n}@STRAßE.de`));
      expect(found._unsafeUnwrap().email).toBe(`${n}@straße.de`);
    }
  });
});

it("e-mail keys are renewed once when several processes start simultaneously on a server", async () => {
  const database = await oldServerDatabase();
  await database.run(
    `insert into users select gen_random_uuid(), 'Ada', n || '@straße.de', n || '@strasse.de', '-', 'author', 1, now(), now()
      from generate_series(1, 500) as n`,
  );
  const logs = Array.from({ length: 4 }, () => recordingLog());
  const storages = await Promise.all(logs.map(async (log) => database.open(log)));
  const renewed = logs.flatMap(({ lines }) => lines.filter(({ fields }) => "users" in fields));
  expect(renewed.map(({ fields }) => fields)).toEqual([{ users: 500 }]);
  expect((await storages[0]?.users.findByEmail(email("500@straße.de")))?.isOk()).toBe(true);
  for (const storage of storages) await storage.close();
});

it("a data directory on a full disk opens with old e-mail keys, and renews them at the next start with free space", async () => {
  const options = { ...embeddedDefaults, directory: await copyTemplate(), durability: "relaxed" } as const;
  const postgres = (await openEmbeddedDatabase(options))._unsafeUnwrap();
  await postgres.client.query(insertOld("a@straße.de"));
  (await postgres.close())._unsafeUnwrap();
  const open = async (fields: Partial<Parameters<typeof openPgliteStorage>[0]> = {}) =>
    (await openPgliteStorage({ ...options, migrations: MIGRATIONS_FOLDER, ...fields }))._unsafeUnwrap();
  const log = recordingLog();
  await (await open({ log, freeSpaceBytes: Number.MAX_SAFE_INTEGER })).close();
  expect(log.lines).toContainEqual(
    expect.objectContaining({ level: "warn", message: "the keys of e-mail addresses are not renewed yet" }),
  );
  const storage = await open();
  expect((await storage.users.findByEmail(email("a@straße.de"))).isOk()).toBe(true);
  await storage.close();
  await rm(options.directory, { recursive: true });
});

it("a data directory whose users cannot be read opens with old e-mail keys, and its posts can be read", async () => {
  const options = { ...embeddedDefaults, directory: await copyTemplate(), durability: "relaxed" } as const;
  const postgres = (await openEmbeddedDatabase(options))._unsafeUnwrap();
  await postgres.client.query(insertOld("a@straße.de"));
  const { rows } = await postgres.client.query<{ path: string }>("select pg_relation_filepath('users') as path");
  (await postgres.close())._unsafeUnwrap();
  // The checksum of the page is wrong after that.
  const file = await open(join(options.directory, "cluster", rows[0]?.path ?? ""), "r+");
  await file.write(Buffer.from("damaged"), 0, 7, 4000);
  await file.close();
  const log = recordingLog();
  const opened = await openPgliteStorage({ ...options, migrations: MIGRATIONS_FOLDER, log });
  const storage = opened._unsafeUnwrap();
  expect(log.lines).toContainEqual(
    expect.objectContaining({ level: "warn", message: "the keys of e-mail addresses are not renewed yet" }),
  );
  const page = { limit: 10, from: null };
  expect((await storage.posts.list(EVERY_POST, { by: "created", descending: true }, page)).isOk()).toBe(true);
  await storage.close();
  await rm(options.directory, { recursive: true });
});
