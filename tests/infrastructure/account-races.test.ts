import { err, ok, type Result } from "neverthrow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { finishRemovals } from "../../src/application/users/finish-removals.ts";
import type { Post } from "../../src/domain/post/post.ts";
import { storedPostBytes } from "../../src/domain/shared/storage-quota.ts";
import type { User } from "../../src/domain/user/user.ts";
import type { PostsFate } from "../../src/domain/user/user-removal.ts";
import { openPostgresStorage, type PostgresStorage } from "../../src/infrastructure/postgresql/postgres-storage.ts";
import { serverClient, type ServerClient } from "../../src/infrastructure/postgresql/client/client.ts";
import { aDraft, aUser, LATER, NOW, postsOf, testClock, countOf } from "../../src/testing/fixtures.ts";
import { createDatabase, serverDefaults } from "../support/test-storage.ts";

const ROOM = 20;
const UNIT_BYTES = storedPostBytes({ title: "A title", content: "Some content" });

let here: PostgresStorage;
let there: PostgresStorage;
let client: ServerClient;

beforeAll(async () => {
  const server = await createDatabase();
  const options = { ...serverDefaults, server, accountQuotaBytes: ROOM * UNIT_BYTES };
  [here, there] = [
    (await openPostgresStorage(options))._unsafeUnwrap(),
    (await openPostgresStorage(options))._unsafeUnwrap(),
  ];
  client = serverClient({ ...serverDefaults, server, poolSize: 1 });
});
afterAll(async () => {
  await Promise.all([here.close(), there.close(), client.end(1000)]);
});

async function stored(...users: User[]): Promise<void> {
  for (const user of users) (await here.users.insert(user))._unsafeUnwrap();
}

/** Inserts posts through both processes alternately, with as many simultaneous statements as there are connections. */
async function insertAll(posts: readonly Post[]): Promise<readonly Result<void, unknown>[]> {
  return Promise.all(posts.map(async (post, index) => (index % 2 === 0 ? here : there).posts.insert(post)));
}

/** The counted and the actual bytes of each account. */
async function usage(): Promise<readonly { readonly counted: string; readonly stored: string }[]> {
  const rows =
    client.unsafe(`select bytes::text as counted, (coalesce((select sum(post_bytes(title, content)) from posts
    where author_id = user_id), 0))::text as stored from account_usage`);
  return (await rows) as readonly { readonly counted: string; readonly stored: string }[];
}

const count = async ({ id }: User) => countOf(here.posts, postsOf(id));

describe("accounts of two processes", () => {
  it("stay within their quota to the byte, without a deadlock", async () => {
    const users = [aUser(), aUser(), aUser(), aUser()];
    await stored(...users);
    const deadlocks = async () =>
      client.unsafe("select deadlocks::text from pg_stat_database where datname = current_database()");
    const before = await deadlocks();
    for (let round = 0; round < 3; round++) {
      // The order of the authors changes with each round, so that statements lock the rows in different orders.
      const authors = Array.from({ length: 60 }, (_, index) => users[(index * (round + 1)) % 4] as User);
      await insertAll(authors.map(({ id }) => aDraft(id)));
    }
    for (const user of users) expect(await count(user)).toBe(ROOM);
    for (const { counted, stored: actual } of await usage()) expect(counted).toBe(actual);
    expect(await deadlocks()).toEqual(before);
  });

  it("accept exactly one of a simultaneous removal of a user and insert of a post", async () => {
    for (let round = 0; round < 5; round++) {
      const user = aUser();
      await stored(user);
      const keep: PostsFate = { kind: "keep" };
      const [inserted, removed] = await Promise.all([
        insertAll([aDraft(user.id), aDraft(user.id)]),
        there.unitOfWork.run(async ({ users }) =>
          users.requestRemoval({ userId: user.id, version: user.version, posts: keep, requestedAt: NOW }),
        ),
      ]);
      const isStored = inserted.some((outcome) => outcome.isOk());
      expect(removed).toEqual(isStored ? err({ kind: "user_has_posts" }) : ok());
      expect((await count(user)) > 0).toBe(isStored);
    }
  });

  it("finish a removal that both process simultaneously, and reassign each post once", async () => {
    const [leaving, heir] = [aUser(), aUser()];
    await stored(leaving, heir);
    await insertAll(Array.from({ length: ROOM }, () => aDraft(leaving.id)));
    await here.unitOfWork.run(async ({ users }) =>
      users.requestRemoval({
        userId: leaving.id,
        version: leaving.version,
        posts: { kind: "reassign", to: heir.id },
        requestedAt: NOW,
      }),
    );
    const clock = testClock(LATER);
    const workers = [here, there].map((storage) => finishRemovals({ ...storage, clock }));
    const outcomes = await Promise.all(workers.map(async ({ resumeRemovals }) => resumeRemovals()));
    expect(outcomes).toEqual([ok(), ok()]);
    const page = { limit: 100, from: null };
    const { items } = (
      await here.posts.list(postsOf(heir.id), { by: "created", descending: true }, page)
    )._unsafeUnwrap();
    expect(items.map(({ version }) => version)).toEqual(Array.from({ length: ROOM }, () => 2));
    expect(await here.users.findRemoval(leaving.id)).toEqual(ok(null));
    for (const { counted, stored: actual } of await usage()) expect(counted).toBe(actual);
  });
});
