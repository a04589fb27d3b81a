import { setTimeout as delay } from "node:timers/promises";
import { err, ok, type Result } from "neverthrow";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Repositories } from "../../src/application/ports/unit-of-work.ts";
import { changeUser, type User } from "../../src/domain/user/user.ts";
import { openPostgresStorage, type PostgresStorage } from "../../src/infrastructure/postgresql/postgres-storage.ts";
import { serverClient, type ServerClient } from "../../src/infrastructure/postgresql/client/client.ts";
import type { ServerUrl } from "../../src/infrastructure/postgresql/client/server-url.ts";
import { openApi, problemOf, type PostBody } from "../support/api.ts";
import { ANY_BATCH, aUser, keyDigest, LATER, name } from "../../src/testing/fixtures.ts";
import { barrier } from "../support/barrier.ts";
import { createDatabase, serverDefaults } from "../support/test-storage.ts";

const CHANGES = 10;
const ROUNDS = 10;
const NOT_FOUND = err({ kind: "user_not_found" });

async function opened(server: ServerUrl, poolSize: number = serverDefaults.poolSize): Promise<PostgresStorage> {
  return (await openPostgresStorage({ ...serverDefaults, server, poolSize }))._unsafeUnwrap();
}

/** Opens the storages of two processes on a new database, and a client to observe it. */
async function twoProcesses() {
  const server = await createDatabase();
  const [here, there] = [await opened(server), await opened(server)];
  const client = serverClient({ ...serverDefaults, server, poolSize: 2 });
  const close = async () => void (await Promise.all([here.close(), there.close(), client.end(1000)]));
  return { here, there, client, close };
}

describe("simultaneous changes of one post through two processes", () => {
  let here: PostgresStorage;
  let there: PostgresStorage;

  beforeAll(async () => {
    const server = await createDatabase();
    [here, there] = [await opened(server), await opened(server)];
  });
  afterAll(async () => {
    await Promise.all([here.close(), there.close()]);
  });

  /** Makes a post. Returns functions that change it through both processes and read it. */
  async function aPostInBoth() {
    const author = await openApi(here).author();
    const post = await author.write();
    const elsewhere = openApi(there).client({ Authorization: `Bearer ${author.token}` });
    const change = async (content: string, index: number, headers = {}) =>
      (index % 2 ? author : elsewhere).patch(`/v1/posts/${post.id}`, { content }, headers);
    const stored = async () => (await author.get(`/v1/posts/${post.id}`)).body as PostBody;
    return { change, stored };
  }

  const contents = Array.from({ length: CHANGES }, (_, index) => `By ${index}`);

  it("succeed once with the same If-Match, and the others get 412", async () => {
    const { change, stored } = await aPostInBoth();
    const replies = await Promise.all(
      contents.map(async (content, index) => change(content, index, { "If-Match": '"1"' })),
    );
    const statuses = replies.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([200, ...Array.from({ length: CHANGES - 1 }, () => 412)]);
    const winner = replies.find(({ status }) => status === 200);
    expect(await stored()).toEqual(winner?.body);
  });

  it("make one version each without If-Match, and get 409 after too many lost races", async () => {
    const { change, stored } = await aPostInBoth();
    const versions = await Promise.all(
      contents.map(async (content, index) => {
        for (;;) {
          const { status, body } = await change(content, index);
          if (status === 200) return (body as PostBody).version;
          expect(status).toBe(409);
        }
      }),
    );
    expect(versions.toSorted((a, b) => a - b)).toEqual(contents.map((_, index) => index + 2));
    expect(await stored()).toMatchObject({ version: CHANGES + 1, content: contents[versions.indexOf(CHANGES + 1)] });
  });
});

describe.each(["read committed", "repeatable read", "serializable"])(
  "admins who are demoted or removed simultaneously through two processes with the isolation %s",
  (isolation) => {
    let here: PostgresStorage;
    let there: PostgresStorage;

    beforeAll(async () => {
      const server = await createDatabase([`default_transaction_isolation = '${isolation}'`]);
      [here, there] = [await opened(server), await opened(server)];
    });
    afterAll(async () => {
      await Promise.all([here.close(), there.close()]);
    });

    const demote = async ({ users }: Repositories, user: User) =>
      users.update(changeUser(user, { role: "author" }, LATER), user.version);
    const remove = async ({ users }: Repositories, user: User) => users.delete(user.id, user.version);

    it.each([
      ["demoted", demote],
      ["removed", remove],
    ])("always leave one admin who is not %s", async (_, write) => {
      // The storage always has an admin, so the last admin of the previous test takes part in the first round.
      const stored = (await here.users.list("everybody", { limit: 100, from: null }))._unsafeUnwrap().items;
      let last = stored.find(({ role }) => role === "admin");
      for (let round = 0; round < ROUNDS; round++) {
        const added = [aUser({ role: "admin" }), aUser({ role: "admin" })];
        const all: User[] = last === undefined ? added : [last, ...added];
        for (const user of added) (await here.users.insert(user))._unsafeUnwrap();
        const results = await Promise.all(all.map(async (user, i) => write(i % 2 === 0 ? here : there, user)));
        const kinds = results.map((result) => (result.isErr() ? result.error.kind : "done"));
        expect(kinds.toSorted()).toEqual(
          [...Array.from({ length: all.length - 1 }, () => "done"), "last_admin"].toSorted(),
        );
        last = all[kinds.indexOf("last_admin")];
      }
    });
  },
);

describe("a key that is sent through two processes simultaneously", () => {
  let here: PostgresStorage;
  let there: PostgresStorage;
  let client: ServerClient;
  let close: () => Promise<void>;

  beforeAll(async () => {
    ({ here, there, client, close } = await twoProcesses());
  });
  afterAll(async () => close());

  /** Resolves when a key is locked. */
  async function locked(): Promise<void> {
    for (;;) {
      const locks = (await client.unsafe(
        "select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
      )) as readonly unknown[];
      if (locks.length > 0) return;
      await delay(10);
    }
  }

  it.each([
    ["a new post", "/v1/posts", { title: "Once", content: "" }, "users"],
    ["a change", "/v1/posts/%/publish", undefined, "posts"],
  ])(
    "is in use while the first request, %s, is running, and is replayed afterwards",
    async (_, template, body, table) => {
      const author = await openApi(here).author();
      const path = template.replace("%", (await author.write()).id);
      const key = { "Idempotency-Key": crypto.randomUUID() };
      const again = async () =>
        openApi(there)
          .client({ Authorization: `Bearer ${author.token}` })
          .post(path, body, key);
      const { running } = await client.begin(async (transaction) => {
        // Locks the rows that the request writes or references, so that it waits.
        await transaction.unsafe(`select id from ${table} for update`);
        const first = author.post(path, body, key);
        await locked();
        const refused = await again();
        expect(problemOf(refused)).toBe("409 idempotency_key_in_use");
        expect(refused.headers.get("Retry-After")).toBe("1");
        return { running: first };
      });
      const { status, text } = await running;
      expect(status).toBeLessThan(300);
      expect(await again()).toMatchObject({ status, text });
    },
  );
});

describe("expired replay records that two processes delete", () => {
  const RECORDS = 30;
  let here: PostgresStorage;
  let there: PostgresStorage;
  let client: ServerClient;
  let close: () => Promise<void>;

  beforeAll(async () => {
    ({ here, there, client, close } = await twoProcesses());
    const user = aUser();
    (await here.users.insert(user))._unsafeUnwrap();
    await client.unsafe(
      `insert into idempotency_keys select n, '${user.id}', '', '', now(), timestamptz '2000-01-01' + n * interval '1s'
       from generate_series(1, ${RECORDS}) n`,
    );
  });
  afterAll(async () => close());

  it("are divided between them without waiting for locks", async () => {
    const removed = await client.begin(async (transaction) => {
      await transaction.unsafe(`select 1 from idempotency_keys order by expires_at limit ${RECORDS / 3} for update`);
      const both = [here, there].map(async ({ idempotencyKeys }) =>
        idempotencyKeys.deleteExpired(LATER, { ...ANY_BATCH, rows: RECORDS / 3 }),
      );
      return (await Promise.all(both)).map((result) => result._unsafeUnwrap());
    });
    expect(removed).toEqual([RECORDS / 3, RECORDS / 3]);
    expect(await here.idempotencyKeys.deleteExpired(LATER, { ...ANY_BATCH, rows: RECORDS })).toEqual(ok(RECORDS / 3));
  });
});

describe("a unit of work whose connection is cut", () => {
  let server: ServerUrl;
  let client: ServerClient;
  let storage: PostgresStorage;

  beforeAll(async () => {
    server = await createDatabase();
    client = serverClient({ ...serverDefaults, server, poolSize: 2 });
  });
  beforeEach(async () => {
    // With one connection, a late statement of a lost transaction could only run in the next transaction.
    storage = await opened(server, 1);
    return async () => storage.close();
  });
  afterAll(async () => client.end(1000));

  /** Waits for connections that match the condition, and terminates them on the server. */
  async function cut(condition: string): Promise<void> {
    const others = "datname = current_database() and pid <> pg_backend_pid() and application_name = 'quire'";
    for (;;) {
      const ended = (await client.unsafe(
        `select pg_terminate_backend(pid, 1000) from pg_stat_activity where ${others} and ${condition}`,
      )) as readonly unknown[];
      if (ended.length > 0) return;
      await delay(10);
    }
  }

  it("is rolled back and retried completely when it waits for a lock", async () => {
    const [locked, written] = [aUser(), aUser()];
    (await storage.users.insert(locked))._unsafeUnwrap();
    let runs = 0;
    const renaming = await client.begin(async (transaction) => {
      await transaction.unsafe(`select id from users where id = '${locked.id}' for update`);
      const waiting = storage.unitOfWork.run(async ({ users }) => {
        runs++;
        (await users.insert(written))._unsafeUnwrap();
        return users.update(changeUser(locked, { name: name("Grace") }, LATER), locked.version);
      });
      await cut("wait_event_type = 'Lock'");
      return { waiting };
    });
    expect(await renaming.waiting).toEqual(ok());
    expect(runs).toBe(2);
    expect(await storage.users.findById(written.id)).toEqual(ok(written));
    expect((await storage.users.findById(locked.id))._unsafeUnwrap()).toMatchObject({ name: "Grace", version: 2 });
  });

  it("releases the key that it has claimed", async () => {
    const digest = keyDigest("a key");
    const claims: Result<void, unknown>[] = [];
    const outcome = await storage.unitOfWork.run(async ({ idempotencyKeys }) => {
      const claimed = await idempotencyKeys.claim(digest, LATER);
      claims.push(claimed);
      if (claims.length === 1) await cut("state = 'idle in transaction'");
      return idempotencyKeys.claim(digest, LATER);
    });
    expect(claims).toEqual([ok(), ok()]);
    expect(outcome).toEqual(ok());
  });

  it("is retried when the cut happens between its statements, and late writes of the lost run are not stored", async () => {
    const [before, after] = [aUser(), aUser()];
    const lost = aUser();
    const isRunAgain = barrier(2);
    const lostRunHasEnded = barrier(2);
    let lateWrite: Promise<Result<void, unknown>> | undefined;
    let runs = 0;
    const outcome = await storage.unitOfWork.run(async ({ users }: Repositories) => {
      const run = ++runs;
      const inserted = await users.insert(before);
      if (run === 1) {
        await cut("state = 'idle in transaction'");
        await isRunAgain();
        lateWrite = users.insert(lost);
        await lateWrite;
        await lostRunHasEnded();
      } else {
        await isRunAgain();
        await lostRunHasEnded();
      }
      return inserted.isErr() ? inserted : users.insert(after);
    });
    expect(outcome).toEqual(ok());
    expect(runs).toBe(2);
    expect((await lateWrite)?.isErr()).toBe(true);
    expect(await storage.users.findById(lost.id)).toEqual(NOT_FOUND);
    expect(await storage.users.findById(before.id)).toEqual(ok(before));
    expect(await storage.users.findById(after.id)).toEqual(ok(after));
  });
});
