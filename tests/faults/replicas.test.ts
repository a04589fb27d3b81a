import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UserId } from "../../src/domain/shared/id.ts";
import { NEWEST_FIRST } from "../../src/domain/post/post-list.ts";
import { openPostgresStorage, type PostgresStorage } from "../../src/infrastructure/postgresql/postgres-storage.ts";
import { serverClient, type ServerClient } from "../../src/infrastructure/postgresql/client/client.ts";
import { parseServerUrl } from "../../src/infrastructure/postgresql/client/server-url.ts";
import { aPublishedPost, aUser, PUBLISHED_POSTS, recordingLog, EVERY_DRAFT } from "../../src/testing/fixtures.ts";
import { startReplicatedServers, type ReplicatedServers } from "../support/replicated-servers.ts";
import { serverDefaults } from "../support/test-storage.ts";
import { report } from "../support/rounds.ts";
import { eventually } from "./watching.ts";

const ADDED = "replica added to rotation";
const REMOVED = "replica removed from rotation";
const NEWEST = { limit: 1, from: null } as const;

describe("a read on a standby with streaming replication", () => {
  let servers: ReplicatedServers;
  let standby: ServerClient;
  /** The storages of two processes on the same servers. */
  let one: PostgresStorage;
  let other: PostgresStorage;
  let author: UserId;
  const [log, otherLog] = [recordingLog(), recordingLog()];

  const timesLogged = (message: string, of = log) => of.lines.filter((line) => line.message === message).length;

  beforeAll(async () => {
    servers = await startReplicatedServers({ synchronous: "off" });
    const server = parseServerUrl(`${servers.primary.url}/postgres`)._unsafeUnwrap();
    const replica = parseServerUrl(`${servers.standby.url}/postgres`)._unsafeUnwrap();
    standby = serverClient({ ...serverDefaults, server: replica, poolSize: 1 });
    one = (await openPostgresStorage({ ...serverDefaults, server, replicas: [replica], log }))._unsafeUnwrap();
    other = (
      await openPostgresStorage({ ...serverDefaults, server, replicas: [replica], log: otherLog })
    )._unsafeUnwrap();
    const user = aUser();
    (await one.users.insert(user))._unsafeUnwrap();
    author = user.id;
    // Until then a storage reads from the primary.
    await eventually("each storage has added the replica to its rotation", () =>
      [log, otherLog].every((each) => timesLogged(ADDED, each) === 1),
    );
  });
  afterAll(async () => {
    await Promise.all([one.close(), other.close(), standby.end(1000)]);
    await servers.stop();
  });

  /** Writes posts through one storage. Returns the number of posts that the other storage does not read immediately. */
  async function missing(posts: number): Promise<number> {
    let count = 0;
    for (let index = 0; index < posts; index++) {
      const post = aPublishedPost(author);
      (await one.posts.insert(post))._unsafeUnwrap();
      const byId = await other.posts.findById(post.id, EVERY_DRAFT);
      const [newest] = (await other.posts.list(PUBLISHED_POSTS, NEWEST_FIRST, NEWEST))._unsafeUnwrap().items;
      if (byId.isErr() || newest?.id !== post.id) count++;
    }
    return count;
  }

  it("sees the last write of another process", async () => {
    expect(await missing(100)).toBe(0);
    const scans = "select (seq_scan + idx_scan)::int as scans from pg_stat_user_tables where relname = 'posts'";
    await eventually("scans of the standby's posts", async () => {
      const [row] = (await standby.unsafe(scans)) as readonly { readonly scans: number }[];
      return row !== undefined && row.scans > 0;
    });
  });

  it.each([
    {
      state: "lagging",
      fault: "a lagging standby",
      begin: async () => servers.standby.pauseReplay(),
      end: async () => servers.standby.resumeReplay(),
    },
    {
      state: "down",
      fault: "kill -9 of a standby",
      begin: async () => servers.standby.crash(),
      end: async () => servers.standby.start(),
    },
  ])("goes to the primary while the standby is $state, and afterwards to the standby again", async (the) => {
    const [removedBefore, addedBefore] = [timesLogged(REMOVED), timesLogged(ADDED)];
    await the.begin();
    expect(await missing(20)).toBe(0);
    await one.posts.list(PUBLISHED_POSTS, NEWEST_FIRST, NEWEST);
    expect(timesLogged(REMOVED)).toBe(removedBefore + 1);
    await the.end();
    const servesAgainMs = await eventually("the standby serves again", () => timesLogged(ADDED) > addedBefore);
    report(the.fault, { missing: 0, "served again after its end, ms": servesAgainMs });
    expect(await missing(20)).toBe(0);
  });

  it("removes a promoted standby from rotation", async () => {
    await servers.standby.promote();
    await eventually("the standby is removed from rotation", async () => {
      await one.posts.list(PUBLISHED_POSTS, NEWEST_FIRST, NEWEST);
      return log.lines.at(-1)?.message === REMOVED;
    });
    expect(log.lines.at(-1)?.fields).toMatchObject({ cause: "it is not a standby" });
  });
});
