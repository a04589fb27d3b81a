import { rm } from "node:fs/promises";
import { afterEach, describe, expect, it } from "vitest";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { embeddedEndpoint, serverEndpoint, type TransferEndpoint } from "../../src/infrastructure/transfer/endpoint.ts";
import { transfer, type TransferProgress } from "../../src/infrastructure/transfer/transfer.ts";
import {
  TRANSFERRED_TABLES,
  leastKey,
  selectLastKey,
  selectRows,
  type TransferredTable,
} from "../../src/infrastructure/transfer/table-copy.ts";
import { addMigration, copyMigrations, FUTURE } from "../support/migrations-folder.ts";
import { copyTemplate, createDatabase, embeddedDefaults, serverDefaults } from "../support/test-storage.ts";

const USERS = 7;
const POSTS = 1250;

/** Rows with text that arrays escape, text of any script, empty and long text, and null times. */
const ROWS = [
  `insert into users select ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Ada ' || n, n || '@example.org',
    n || '@example.org', 'hash', case when n = 1 then 'admin' else 'author' end, n, to_timestamp(n), now()
    from generate_series(1, ${USERS}) n`,
  `insert into posts (id, title, content, author_id, status, published_at, version, created_at, updated_at, title_key, title_key_version)
    select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Post ' || n,
    (array[E'a\\tb\\nc\\\\d\\\\N\\r', 'Ünïcödé 🔑 ключ', '{"json": [1]}', '"quoted", \\N', repeat('long ', 1000)])[1 + n % 5],
    ('00000000-0000-7000-9000-' || lpad(to_hex(1 + n % ${USERS}), 12, '0'))::uuid,
    case when n % 3 = 0 then 'draft' else 'published' end, case when n % 3 = 0 then null else to_timestamp(n * 1.001) end,
    n, to_timestamp(n), now(), case when n % 5 > 0 then 'post ' || n end, case when n % 5 > 0 then n - n % 2 end
    from generate_series(1, ${POSTS}) n`,
  `insert into sessions select ('00000000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid,
    ('00000000-0000-7000-9000-' || lpad(to_hex(1 + n % ${USERS}), 12, '0'))::uuid, 'digest ' || n, now(), now(), now()
    from generate_series(1, 3) n`,
  `insert into idempotency_keys select token_digest, user_id, 'fingerprint', 'answer', created_at, expires_at
    from sessions limit 2`,
];

const posts = TRANSFERRED_TABLES.find(({ name }) => name === "posts") as TransferredTable;

const ignore = () => {};

const open: TransferEndpoint[] = [];
const directories: string[] = [];

afterEach(async () => {
  for (const end of open.splice(0)) await end.close();
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

async function embedded(): Promise<TransferEndpoint> {
  const directory = await copyTemplate();
  directories.push(directory);
  const options = { ...embeddedDefaults, durability: "relaxed", migrations: MIGRATIONS_FOLDER, directory } as const;
  const end = (await embeddedEndpoint(options))._unsafeUnwrap();
  open.push(end);
  return end;
}

async function server(): Promise<TransferEndpoint> {
  const end = (await serverEndpoint({ ...serverDefaults, server: await createDatabase() }))._unsafeUnwrap();
  open.push(end);
  return end;
}

async function filled(end: TransferEndpoint): Promise<TransferEndpoint> {
  for (const text of ROWS) await end.run(text);
  return end;
}

describe("the embedded endpoint", () => {
  it("closes its database when a migration fails", async () => {
    const directory = await copyTemplate();
    directories.push(directory);
    const broken = await copyMigrations();
    directories.push(broken);
    await addMigration(broken, "9999_broken", FUTURE, "select 1 / 0");
    const options = { ...embeddedDefaults, durability: "relaxed", directory } as const;
    await expect(embeddedEndpoint({ ...options, migrations: broken })).rejects.toMatchObject({
      cause: { code: "22012" },
    });
    const end = (await embeddedEndpoint({ ...options, migrations: MIGRATIONS_FOLDER }))._unsafeUnwrap();
    open.push(end);
  });
});

// Only the first test needs an engine. The rules of a transfer are the same between two databases of a server.
describe("a transfer", () => {
  it("copies everything from the embedded PostgreSQL to a server and back, and verifies it", async () => {
    const [first, middle, last] = [await filled(await embedded()), await server(), await embedded()];
    const progress: TransferProgress[] = [];
    const there = (await transfer(first, middle, (state) => progress.push(state)))._unsafeUnwrap();
    expect(there.map(({ table, rows }) => [table, rows])).toEqual([
      ["users", USERS],
      ["posts", POSTS],
      ["sessions", 3],
      ["idempotency_keys", 2],
    ]);
    const total = USERS + POSTS + 3 + 2;
    expect(progress.at(-1)).toEqual({ table: "idempotency_keys", moved: total, total });
    const back = (await transfer(middle, last, ignore))._unsafeUnwrap();
    expect(back).toEqual(there);
    const posts = "select id::text, title, content, published_at::text, version::text from posts order by id";
    expect(await last.select(posts)).toEqual(await first.select(posts));
    // The triggers of the target count the stored bytes again, with the same result as the source.
    const usage = "select user_id::text, bytes::text from account_usage order by user_id";
    const counted = await first.select(usage);
    expect(counted).toHaveLength(USERS);
    for (const end of [middle, last]) expect(await end.select(usage)).toEqual(counted);
  });

  it("rejects a target that is not empty, and writes nothing to it", async () => {
    const [from, to] = [await server(), await filled(await server())];
    const refused = (await transfer(from, to, ignore))._unsafeUnwrapErr();
    expect(refused).toEqual({ kind: "transfer_target_not_empty", location: to.location, table: "users" });
    expect(await to.select("select to_regclass('quire_move')::text")).toEqual([[null]]);
  });

  it("resumes after an interruption, and copies no row twice", async () => {
    const [from, to] = [await filled(await server()), await server()];
    const written: number[] = [];
    const failing: TransferEndpoint = {
      ...to,
      insert: async (table, rows) => {
        if (table.name === "posts" && written.length > 0) throw new Error("the network failed");
        if (table.name === "posts") written.push(rows.length);
        return to.insert(table, rows);
      },
    };
    expect((await transfer(from, failing, ignore))._unsafeUnwrapErr()).toMatchObject({ kind: "transfer_interrupted" });
    expect(await to.select("select count(*)::text from posts")).toEqual([[String(written[0])]]);
    expect(written[0]).toBeLessThan(POSTS);
    const progress: TransferProgress[] = [];
    expect((await transfer(from, to, (state) => progress.push(state))).isOk()).toBe(true);
    expect(progress[0]).toEqual({ table: "posts", moved: USERS + POSTS, total: USERS + POSTS + 3 + 2 });
  });

  it("stops after a batch when it is cancelled, and a second run continues", async () => {
    const [from, to] = [await filled(await server()), await server()];
    const stopping = new AbortController();
    const cancelled = await transfer(from, to, () => stopping.abort(), stopping.signal);
    expect(cancelled._unsafeUnwrapErr()).toMatchObject({ kind: "transfer_interrupted", isCancelled: true });
    expect(await to.select("select count(*)::text from users")).toEqual([[String(USERS)]]);
    expect(await to.select("select count(*)::text from posts")).toEqual([["0"]]);
    expect((await transfer(from, to, ignore)).isOk()).toBe(true);
  });

  it("stores no part of an interrupted batch, and succeeds in a second run", async () => {
    const [from, to] = [await filled(await server()), await server()];
    const failing: TransferEndpoint = {
      ...from,
      select: async (text, values) => {
        if (text.includes("from posts where") && values?.[0] !== leastKey(posts)) throw new Error("the disk failed");
        return from.select(text, values);
      },
    };
    expect((await transfer(failing, to, ignore))._unsafeUnwrapErr()).toMatchObject({ kind: "transfer_interrupted" });
    expect(await to.select("select count(*)::text from posts")).toEqual([["0"]]);
    expect((await transfer(from, to, ignore)).isOk()).toBe(true);
  });

  it.each([
    [
      "rejects rows",
      "raise exception 'could not extend file: No space left on device' using errcode = '53100'",
      "53100",
    ],
    ["cuts the connection", "perform pg_terminate_backend(pg_backend_pid()); return new", "08007"],
  ])("fails and resumes later when the target %s", async (_case, body, code) => {
    const [from, to] = [await filled(await server()), await server()];
    await to.run(`create function fail() returns trigger language plpgsql as $$ begin ${body}; end $$`);
    await to.run("create trigger fails before insert on posts for each row execute function fail()");
    const ended = (await transfer(from, to, ignore))._unsafeUnwrapErr();
    expect(ended).toMatchObject({ kind: "transfer_interrupted", cause: { code } });
    await to.run("drop trigger fails on posts");
    expect((await transfer(from, to, ignore)).isOk()).toBe(true);
  });

  it("reads a table in the order of an index, without a sort", async () => {
    const end = await filled(await server());
    await end.run("analyze");
    for (const [text, ...values] of [[selectRows(posts, 100), leastKey(posts)], [selectLastKey(posts)]] as const) {
      const plan = (await end.select(`explain ${text}`, values)).flat().join("\n");
      expect(plan).toContain("posts_pkey");
      expect(plan).not.toContain("Sort");
    }
  });

  it("rejects a second source for an unfinished target", async () => {
    const [from, other, to] = [await filled(await server()), await server(), await server()];
    const failing = { ...to, insert: async () => Promise.reject(new Error("the network failed")) };
    await transfer(from, failing, ignore);
    const refused = (await transfer(other, to, ignore))._unsafeUnwrapErr();
    expect(refused).toEqual({ kind: "transfer_target_of_another", location: to.location, from: from.location });
  });

  it("fails when source and target differ at the end", async () => {
    const [from, to] = [await filled(await server()), await server()];
    const changing: TransferEndpoint = {
      ...to,
      insert: async (table, rows) => {
        await to.insert(table, rows);
        if (table.name === "sessions") await to.run("update posts set title = 'Another' where version = 7");
      },
    };
    const { kind, ...ends } = (await transfer(from, changing, ignore))._unsafeUnwrapErr();
    expect(kind).toBe("transfer_differs");
    expect(ends).toMatchObject({ from: { table: "posts", rows: POSTS }, to: { table: "posts", rows: POSTS } });
  });
});
