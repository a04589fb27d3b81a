import { err, ok, type Result } from "neverthrow";
import { afterEach, describe, expect, it } from "vitest";
import { NEWEST_FIRST } from "../../../src/domain/post/post-list.ts";
import { cancelledRead, type StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import type { Storage } from "../../../src/application/ports/storage.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import type { Lsn } from "../../../src/infrastructure/sql/lsn.ts";
import { readOnReplicas, type Replica } from "../../../src/infrastructure/postgresql/replicas/replicas.ts";
import { aDraft, aSession, aUser, EVERY_POST, recordingLog, EVERY_DRAFT } from "../../../src/testing/fixtures.ts";
import { FIRST_VERSION } from "../../../src/domain/shared/version.ts";

const NEWEST = { limit: 1, from: null } as const;
const FAILURE: StorageFailure = {
  kind: "storage_failure",
  reason: "unavailable",
  isTransient: true,
  operation: "test",
  cause: null,
};

type LsnResult = Result<Lsn | null, StorageFailure>;

/** A server whose LSN the test sets. Its post differs from the posts of other servers, so that an answer shows its server. */
async function server(location: string) {
  const storage = openMemoryStorage();
  const author = aUser();
  (await storage.users.insert(author))._unsafeUnwrap();
  (await storage.posts.insert(aDraft(author.id)))._unsafeUnwrap();
  const posts = { ...storage.posts };
  const lsn = { at: async (): Promise<LsnResult> => ok(1n) };
  const replica: Replica = { location, repositories: { ...storage, posts }, replayedLsn: async () => lsn.at() };
  return { ...replica, storage: { ...storage, posts }, durableLsn: replica.replayedLsn, author, posts, lsn };
}

type Server = Awaited<ReturnType<typeof server>>;

const opened: Storage[] = [];
afterEach(async () => {
  for (const storage of opened.splice(0)) (await storage.close())._unsafeUnwrap();
});

async function open(...locations: string[]) {
  const primary = await server("primary");
  const replicas = await Promise.all(locations.map(server));
  const log = recordingLog();
  const reads = readOnReplicas(primary, replicas, log);
  opened.push(reads);
  /** The server that answers a list. */
  const reader = async () => {
    const { items } = (await reads.users.list("everybody", NEWEST))._unsafeUnwrap();
    return [primary, ...replicas].find(({ author }) => author.id === items[0]?.id)?.location;
  };
  const serves = async (location: string) => expect.poll(reader, { timeout: 5000 }).toBe(location);
  return {
    primary,
    replicas: replicas as [Server, ...Server[]],
    repositories: reads,
    log,
    reader,
    serves,
  };
}

describe("the statistics of replicas", () => {
  it("show the replica in rotation without a lag, then its lag in bytes, and no lag when its LSN is unknown", async () => {
    const { primary, replicas, repositories, reader, serves } = await open("a");
    await serves("a");
    expect(repositories.replicaStatistics()).toEqual([{ location: "a", isInRotation: true, lagBytes: 0 }]);
    primary.lsn.at = async () => ok(1001n);
    expect(await reader()).toBe("primary");
    expect(repositories.replicaStatistics()).toEqual([{ location: "a", isInRotation: false, lagBytes: 1000 }]);
    replicas[0].lsn.at = async () => err(FAILURE);
    await expect.poll(() => repositories.replicaStatistics()[0]?.lagBytes, { timeout: 5000 }).toBeNull();
  });
});

describe("a read with replicas", () => {
  it("goes to the primary until a probe has succeeded, and then to the replicas round-robin", async () => {
    const { reader, serves } = await open("a", "b");
    expect(await reader()).toBe("primary");
    await serves("b");
    expect([await reader(), await reader(), await reader()]).toEqual(["a", "b", "a"]);
  });

  it("waits until the replica has replayed the durable LSN of the primary", async () => {
    const { primary, replicas, reader, serves } = await open("a");
    await serves("a");
    const positions = [1n, 1n, 2n];
    primary.lsn.at = async () => ok(2n);
    replicas[0].lsn.at = async () => ok(positions.shift() ?? 2n);
    expect(await reader()).toBe("a");
    expect(positions).toEqual([]);
  });

  it.each<[string, () => Promise<LsnResult>]>([
    ["lags", async () => ok(0n)],
    ["is not a standby", async () => ok(null)],
    ["fails", async () => err(FAILURE)],
    ["throws", async () => Promise.reject(new Error("wrong password"))],
    ["does not answer", async () => new Promise(() => {})],
  ])("goes to the primary while the replica %s, and afterwards to the replica again", async (_, at) => {
    const { replicas, reader, serves, log } = await open("a");
    await serves("a");
    const { lsn } = replicas[0];
    const before = lsn.at;
    lsn.at = at;
    expect(await reader()).toBe("primary");
    expect(log.lines.map(({ message }) => message)).toContain("replica removed from rotation");
    lsn.at = before;
    await serves("a");
  });

  it("goes to the primary while that is a standby itself, whose LSN does not show what is acknowledged", async () => {
    const { primary, reader, serves, log } = await open("a");
    await serves("a");
    primary.lsn.at = async () => ok(null);
    expect(await reader()).toBe("primary");
    expect(log.lines.at(-1)?.fields).toEqual({ replica: "a", cause: "the primary is a standby" });
    primary.lsn.at = async () => ok(1n);
    await serves("a");
  });

  it("goes to the primary immediately when the replica fails during a read", async () => {
    const { primary, replicas, repositories, serves } = await open("a");
    await serves("a");
    replicas[0].posts.list = async () => err(FAILURE);
    const { items } = (await repositories.posts.list(EVERY_POST, NEWEST_FIRST, NEWEST))._unsafeUnwrap();
    expect(items[0]?.authorId).toBe(primary.author.id);
  });

  it("does not remove the replica from rotation when the read is cancelled", async () => {
    const { replicas, repositories, reader, serves } = await open("a");
    await serves("a");
    const { posts } = replicas[0];
    replicas[0].posts = { ...posts, list: async () => err(cancelledRead("posts.list")) };
    const cancelled = await repositories.posts.list(EVERY_POST, NEWEST_FIRST, NEWEST, AbortSignal.abort());
    expect(cancelled._unsafeUnwrapErr()).toMatchObject({ reason: "cancelled" });
    replicas[0].posts = posts;
    expect(await reader()).toBe("a");
  });

  it("goes to the primary when the replica stops answering during a read", async () => {
    const { primary, replicas, repositories, serves } = await open("a");
    await serves("a");
    replicas[0].posts.list = async () => {
      replicas[0].lsn.at = async () => new Promise(() => {});
      return new Promise(() => {});
    };
    const { items } = (await repositories.posts.list(EVERY_POST, NEWEST_FIRST, NEWEST))._unsafeUnwrap();
    expect(items[0]?.authorId).toBe(primary.author.id);
  });

  it("is answered by the replica when it finds nothing", async () => {
    const { replicas, repositories, serves } = await open("a");
    await serves("a");
    const [post] = (await replicas[0].posts.list(EVERY_POST, NEWEST_FIRST, NEWEST))._unsafeUnwrap().items;
    expect(post && (await repositories.posts.findById(post.id, EVERY_DRAFT))).toEqual(ok(post));
    expect((await repositories.posts.findById(aDraft(aUser().id).id, EVERY_DRAFT))._unsafeUnwrapErr()).toEqual({
      kind: "post_not_found",
    });
  });

  it("goes to the primary when it decides on access", async () => {
    const { primary, repositories, serves } = await open("a");
    await serves("a");
    expect((await repositories.users.findById(primary.author.id)).isOk()).toBe(true);
    const session = aSession(primary.author.id);
    (await repositories.sessions.insert(session, FIRST_VERSION))._unsafeUnwrap();
    expect((await repositories.sessions.findByTokenDigest(session.tokenDigest)).isOk()).toBe(true);
  });

  it("shares one query for the durable LSN with all reads of its turn of the event loop", async () => {
    const { primary, reader, serves } = await open("a");
    await serves("a");
    let queries = 0;
    primary.lsn.at = async () => {
      queries++;
      return ok(1n);
    };
    await Promise.all(Array.from({ length: 10 }, reader));
    expect(queries).toBe(1);
  });
});
