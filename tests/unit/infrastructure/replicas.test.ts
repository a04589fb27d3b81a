import { err, ok, type Result } from "neverthrow";
import { afterEach, describe, expect, it } from "vitest";
import { NEWEST_FIRST } from "../../../src/domain/post/post-list.ts";
import type { StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import type { Storage } from "../../../src/application/ports/storage.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import type { Lsn } from "../../../src/infrastructure/sql/lsn.ts";
import { readsOnReplicas, type Replica } from "../../../src/infrastructure/postgresql/replicas.ts";
import { aDraft, aSession, aUser, EVERY_POST, recordingLog, EVERY_DRAFT } from "../../support/fixtures.ts";

const NEWEST = { limit: 1, from: null } as const;
const FAILURE: StorageFailure = {
  kind: "storage_failure",
  reason: "unavailable",
  isTransient: true,
  operation: "test",
  cause: null,
};

type PageCursor = Result<Lsn | null, StorageFailure>;

/** A server whose position the test sets, with a post of its own by which its answers are known. */
async function server(place: string) {
  const storage = openMemoryStorage();
  const author = aUser();
  (await storage.users.insert(author))._unsafeUnwrap();
  (await storage.posts.insert(aDraft(author.id)))._unsafeUnwrap();
  const posts = { ...storage.posts };
  const stand = { at: async (): Promise<PageCursor> => ok(1n) };
  const replica: Replica = { place, repositories: { ...storage, posts }, position: async () => stand.at() };
  return { ...replica, storage: { ...storage, posts }, author, posts, stand };
}

type Server = Awaited<ReturnType<typeof server>>;

const opened: Storage[] = [];
afterEach(async () => {
  for (const storage of opened.splice(0)) (await storage.close())._unsafeUnwrap();
});

async function open(...places: string[]) {
  const primary = await server("primary");
  const replicas = await Promise.all(places.map(server));
  const log = recordingLog();
  const reads = readsOnReplicas(primary, replicas, log);
  opened.push(reads);
  /** The server that a list comes from. */
  const reader = async () => {
    const { items } = (await reads.users.list("everybody", NEWEST))._unsafeUnwrap();
    return [primary, ...replicas].find(({ author }) => author.id === items[0]?.id)?.place;
  };
  const servesAgain = async (place: string) => expect.poll(reader, { timeout: 5000 }).toBe(place);
  return {
    primary,
    replicas: replicas as [Server, ...Server[]],
    repositories: reads,
    log,
    reader,
    servesAgain,
  };
}

describe("reads where there are replicas", () => {
  it("are the primary's until a replica was looked at, and then the replicas' in turn", async () => {
    const { reader, servesAgain } = await open("a", "b");
    expect(await reader()).toBe("primary");
    await servesAgain("b");
    expect([await reader(), await reader(), await reader()]).toEqual(["a", "b", "a"]);
  });

  it("wait until the replica shows what was written before them", async () => {
    const { primary, replicas, reader, servesAgain } = await open("a");
    await servesAgain("a");
    const positions = [1n, 1n, 2n];
    primary.stand.at = async () => ok(2n);
    replicas[0].stand.at = async () => ok(positions.shift() ?? 2n);
    expect(await reader()).toBe("a");
    expect(positions).toEqual([]);
  });

  it.each<[string, () => Promise<PageCursor>]>([
    ["is behind", async () => ok(0n)],
    ["is no standby", async () => ok(null)],
    ["fails", async () => err(FAILURE)],
    ["throws", async () => Promise.reject(new Error("wrong password"))],
    ["does not answer", async () => new Promise(() => {})],
  ])("are the primary's while the replica %s, and the replica's again by themselves", async (_, at) => {
    const { replicas, reader, servesAgain, log } = await open("a");
    await servesAgain("a");
    const { stand } = replicas[0];
    const before = stand.at;
    stand.at = at;
    expect(await reader()).toBe("primary");
    expect(log.lines.map(({ message }) => message)).toContain("a replica is left out until it is back");
    stand.at = before;
    await servesAgain("a");
  });

  it("are asked of the primary at once when the replica fails in the middle of one", async () => {
    const { primary, replicas, repositories, servesAgain } = await open("a");
    await servesAgain("a");
    replicas[0].posts.list = async () => err(FAILURE);
    const { items } = (await repositories.posts.list(EVERY_POST, NEWEST_FIRST, NEWEST))._unsafeUnwrap();
    expect(items[0]?.authorId).toBe(primary.author.id);
  });

  it("are asked of the primary when the replica stops answering in the middle of one", async () => {
    const { primary, replicas, repositories, servesAgain } = await open("a");
    await servesAgain("a");
    replicas[0].posts.list = async () => {
      replicas[0].stand.at = async () => new Promise(() => {});
      return new Promise(() => {});
    };
    const { items } = (await repositories.posts.list(EVERY_POST, NEWEST_FIRST, NEWEST))._unsafeUnwrap();
    expect(items[0]?.authorId).toBe(primary.author.id);
  });

  it("that find nothing are answered so by the replica", async () => {
    const { replicas, repositories, servesAgain } = await open("a");
    await servesAgain("a");
    const [post] = (await replicas[0].posts.list(EVERY_POST, NEWEST_FIRST, NEWEST))._unsafeUnwrap().items;
    expect(post && (await repositories.posts.findById(post.id, EVERY_DRAFT))).toEqual(ok(post));
    expect((await repositories.posts.findById(aDraft(aUser().id).id, EVERY_DRAFT))._unsafeUnwrapErr()).toEqual({
      kind: "post_not_found",
    });
  });

  it("that decide who may do what stay on the primary", async () => {
    const { primary, repositories, servesAgain } = await open("a");
    await servesAgain("a");
    expect((await repositories.users.findById(primary.author.id)).isOk()).toBe(true);
    const session = aSession(primary.author.id);
    (await repositories.sessions.insert(session))._unsafeUnwrap();
    expect((await repositories.sessions.findByTokenDigest(session.tokenDigest)).isOk()).toBe(true);
  });

  it("ask the primary how far its log is once for all of a turn", async () => {
    const { primary, reader, servesAgain } = await open("a");
    await servesAgain("a");
    let asked = 0;
    primary.stand.at = async () => {
      asked++;
      return ok(1n);
    };
    await Promise.all(Array.from({ length: 10 }, reader));
    expect(asked).toBe(1);
  });
});
