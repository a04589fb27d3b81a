import { err, ok } from "neverthrow";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { searchIndexing } from "../../src/bootstrap/background/search-indexing.ts";
import type { Storage } from "../../src/application/ports/storage.ts";
import type { Post } from "../../src/domain/post/post.ts";
import type { PostFilter } from "../../src/domain/post/post-list.ts";
import { parseSearchQuery } from "../../src/domain/search/search-query.ts";
import { ANALYSIS_VERSION } from "../../src/domain/search/text-analysis.ts";
import { nextVersion } from "../../src/domain/shared/version.ts";
import type { SearchIndex } from "../../src/infrastructure/drizzle/search/search-index.ts";
import { embeddedStorage, migratedStorage } from "../../src/infrastructure/pglite/storage.ts";
import { openPostgresStorage } from "../../src/infrastructure/postgresql/postgres-storage.ts";
import { serverClient } from "../../src/infrastructure/postgresql/client/client.ts";
import { notePostChanges } from "../../src/infrastructure/storage/post-changes.ts";
import {
  ANY_BATCH,
  aDraft,
  aPublishedPost,
  aUser,
  EVERY_POST,
  LATER,
  nextId,
  NOW,
  PUBLISHED_POSTS,
  postsOf,
  recordingLog,
  title,
} from "../../src/testing/fixtures.ts";
import { rawClient } from "../support/raw-client.ts";
import { createDatabase, openTemplate, serverDefaults } from "../support/test-storage.ts";

type Opened = Storage & { readonly searchIndex: SearchIndex };

/** A database of which each process has adapters of its own. */
interface SharedDatabase {
  open(): Promise<Opened>;
  run(statement: string): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

async function embedded(): Promise<SharedDatabase> {
  const engine = await openTemplate();
  return {
    open: async () => {
      const migrated = (await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER))._unsafeUnwrap();
      const postgres = {
        condition: () => ok({ durability: "relaxed", writable: true } as const),
        close: async () => ok(),
      };
      return { ...embeddedStorage(postgres, migrated), searchIndex: migrated.searchIndex };
    },
    run: async (statement) => (await engine.query<Record<string, unknown>>(statement)).rows,
    close: async () => engine.close(),
  };
}

async function onServer(): Promise<SharedDatabase> {
  const options = { ...serverDefaults, server: await createDatabase() };
  const client = serverClient({ ...options, poolSize: 2 });
  const opened: Storage[] = [];
  return {
    open: async () => {
      const storage = (await openPostgresStorage(options))._unsafeUnwrap();
      opened.push(storage);
      return storage;
    },
    run: async (statement) => (await client.unsafe(statement)) as readonly Record<string, unknown>[],
    close: async () => {
      for (const storage of opened) await storage.close();
      await client.end(1000);
    },
  };
}

const [author, other] = [aUser(), aUser()];

describe.each([
  ["embedded database", embedded],
  ["database on a server", onServer],
])("the search index of an %s", (_, make) => {
  let database: SharedDatabase;
  let storage: Opened;

  beforeAll(async () => {
    database = await make();
    storage = await database.open();
    for (const user of [author, other]) (await storage.users.insert(user))._unsafeUnwrap();
  }, 60_000);
  beforeEach(async () => {
    await database.run("truncate posts, post_search");
  });
  afterAll(async () => database.close());

  const insert = async (text: string, by = author.id) => {
    const post = aPublishedPost(by, { title: text });
    (await storage.posts.insert(post))._unsafeUnwrap();
    return post;
  };
  const sweep = async (index = storage.searchIndex) => (await index.sweep())._unsafeUnwrap();
  const search = async (query: string, filter: PostFilter = EVERY_POST) => {
    const page = { limit: 100, from: null, isCounted: true };
    return (await storage.posts.search(filter, parseSearchQuery(query)._unsafeUnwrap(), page))._unsafeUnwrap();
  };
  const found = async (query: string, filter?: PostFilter) =>
    (await search(query, filter)).items.map((post) => post.title as string);
  const rename = async (post: Post, to: string) => {
    const renamed = { ...post, title: title(to), version: nextVersion(post.version), updatedAt: LATER };
    (await storage.posts.update(renamed, post.version))._unsafeUnwrap();
    return renamed;
  };
  const rows = async () =>
    database.run("select post_id, version::int as version, analysis from post_search order by post_id");

  it("lacks a post until it is indexed, and a sweep finds what a crash has left out", async () => {
    await insert("Stored before the crash");
    expect(await found("crash")).toEqual([]);
    expect(await sweep((await database.open()).searchIndex)).toBe(1);
    expect(await found("crash")).toEqual(["Stored before the crash"]);
    expect(await sweep()).toBe(0);
  });

  it("finds a post by its new words and no longer by its old ones after the post is indexed again", async () => {
    const post = await insert("Cromlech");
    await sweep();
    await rename(post, "Dolmen");
    expect(await storage.searchIndex.index([post.id])).toEqual(ok({ indexed: 1, left: [] }));
    expect([await found("cromlech"), await found("dolmen")]).toEqual([[], ["Dolmen"]]);
  });

  it.each(["cromlech", "cro", "crom", "cromlec", "cromlich", '"a cromlech"', "cromlech -dolmen", "a cromlech"])(
    "finds by %s the posts of every segment and block",
    async (query) => {
      // A segment has 4,096 ordinals, and a block of it 512.
      const ordinals = [1, 511, 512, 4_095, 4_096, 8_191, 8_192, 20_479, 20_480];
      for (const ordinal of ordinals) {
        await database.run(`update search_index set last_ordinal = ${ordinal - 1}`);
        await insert(`A cromlech, ${ordinal}`);
        await sweep();
      }
      expect(await found(query)).toEqual(ordinals.map((ordinal) => `A cromlech, ${ordinal}`).toReversed());
    },
  );

  it("keeps the row of a newer version", async () => {
    const post = await insert("Cromlech");
    await sweep();
    await database.run("update post_search set version = 7");
    (await storage.searchIndex.sweep({ isForced: true }))._unsafeUnwrap();
    expect(await rows()).toEqual([{ post_id: post.id, version: 7, analysis: ANALYSIS_VERSION }]);
  });

  it("indexes no post that is deleted in the meantime, and removes the row of a deleted post", async () => {
    const [first, second] = [await insert("Cromlech"), await insert("Dolmen")];
    await storage.searchIndex.index([first.id]);
    for (const post of [first, second]) (await storage.posts.delete(post.id, post.version))._unsafeUnwrap();
    expect(await storage.searchIndex.index([first.id, second.id, nextId()])).toEqual(ok({ indexed: 0, left: [] }));
    expect(await rows()).toEqual([]);
  });

  it("counts no post that the viewer may no longer see, before the post is indexed again", async () => {
    const post = await insert("Cromlech");
    await sweep();
    expect((await search("cromlech", PUBLISHED_POSTS)).total).toBe(1);
    const { publishedAt: _, ...rest } = post;
    const draft: Post = { ...rest, status: "draft", publishedAt: null, version: nextVersion(post.version) };
    (await storage.posts.update(draft, post.version))._unsafeUnwrap();
    expect((await search("cromlech", PUBLISHED_POSTS)).total).toBe(0);
    await sweep();
    expect((await search("cromlech", PUBLISHED_POSTS)).total).toBe(0);
    expect((await search("cromlech", { published: null, drafts: { authorId: author.id } })).total).toBe(1);
    expect((await search("cromlech", { published: null, drafts: { authorId: other.id } })).total).toBe(0);
  });

  it("gives the same answers whatever is in thousands of drafts of others", async () => {
    await insert("Cromlech");
    await insert("Dolmens of the cromlech");
    await sweep();
    const filter: PostFilter = { ...PUBLISHED_POSTS, drafts: { authorId: author.id } };
    const answers = async () => {
      const all = [];
      for (const query of [
        "cromlech",
        "cromlech dolmen",
        '"the cromlech"',
        "cromlech -dolmens",
        "cromlach",
        "-menhir",
        "cr",
      ]) {
        const { total, totalIsExact, isComplete, items } = await search(query, filter);
        all.push({ query, total, totalIsExact, isComplete, items: items.map(({ id, rank }) => ({ id, rank })) });
      }
      return all;
    };
    const before = await answers();
    await database.run(`insert into posts (id, title, content, author_id, status, version, created_at, updated_at)
      select gen_random_uuid(), 'Cromlach', 'cromlech dolmen of the cromlech', '${other.id}', 'draft', 1, now(), now()
      from generate_series(1, 2500)`);
    expect(await sweep()).toBe(2500);
    expect(await answers()).toEqual(before);
    expect((await search("cromlech", { published: null, drafts: { authorId: other.id } })).totalIsExact).toBe(false);
  }, 120_000);

  it("finds reassigned posts by their new author after a sweep, and none by the old one before it", async () => {
    await insert("Cromlech");
    await sweep();
    (await storage.posts.reassign(author.id, other.id, NOW, ANY_BATCH, null))._unsafeUnwrap();
    expect(await found("cromlech", postsOf(author.id))).toEqual([]);
    expect(await sweep()).toBe(1);
    expect(await found("cromlech", postsOf(other.id))).toEqual(["Cromlech"]);
  });

  it("is built again for a new version of the analysis, and is incomplete until then", async () => {
    await insert("Cromlech");
    await sweep();
    expect(await search("cromlech")).toMatchObject({ isComplete: true });
    await database.run("update post_search set analysis = 0");
    await database.run("update search_index set analysis = 0");
    expect(await search("cromlech")).toMatchObject({ isComplete: false, total: 1 });
    expect(await sweep()).toBe(1);
    expect(await search("cromlech")).toMatchObject({ isComplete: true, total: 1 });
  });

  it("is left alone by a program with an older analysis", async () => {
    await insert("Cromlech");
    await sweep();
    await database.run("update post_search set analysis = 100");
    await database.run("update search_index set analysis = 100");
    expect(await sweep()).toBe(0);
    expect(await database.run("select analysis from search_index")).toEqual([{ analysis: 100 }]);
    await database.run("update search_index set analysis = 0, is_complete = false");
    await sweep();
  });

  it("has each post once after two processes have filled it at the same time", async () => {
    for (let n = 0; n < 150; n++) await insert(`Cromlech ${n}`);
    const processes = [await database.open(), await database.open()];
    await Promise.all(processes.map(async ({ searchIndex }) => sweep(searchIndex)));
    await sweep();
    expect(await rows()).toHaveLength(150);
    expect((await search("cromlech")).total).toBe(150);
    const ordinals = await database.run("select count(distinct ordinal)::int as count from post_search");
    expect(ordinals).toEqual([{ count: 150 }]);
  });

  it("fills batches up to their bounds, and returns the posts that are left", async () => {
    const long = "dolmen ".repeat(40_000);
    const posts = [
      aDraft(author.id, { content: long }),
      aDraft(author.id),
      ...[1, 2, 3, 4].map(() => aDraft(author.id, { content: long })),
    ];
    for (const post of posts) (await storage.posts.insert(post))._unsafeUnwrap();
    const ids = posts.map(({ id }) => id);
    const first = (await storage.searchIndex.index(ids))._unsafeUnwrap();
    expect(first.indexed).toBeLessThan(posts.length);
    expect(first.indexed + first.left.length).toBe(posts.length);
    expect(await storage.searchIndex.index(first.left)).toEqual(ok({ indexed: first.left.length, left: [] }));
  });

  it("stores lexemes with the characters of PostgreSQL's formats as they are", async () => {
    const text = String.raw`L'été \ 'x':1A & !y | (z) <-> "w" %_ C++`;
    await insert(text);
    await sweep();
    for (const query of ["l'été", String.raw`\ x`, "z", "w", "c++", "'x':1A", "y & x"])
      expect(await found(query), query).toEqual([text]);
  });

  describe("in the background", () => {
    const log = recordingLog();

    /** The adapters of a server, with its work in the background. */
    function serve(index = storage.searchIndex) {
      const indexing = searchIndexing({ index, isIdle: () => true, log });
      return { indexing, noting: notePostChanges(storage, indexing) };
    }

    it("indexes a post after its write, a change of it, and a unit of work", async () => {
      const { indexing, noting } = serve();
      indexing.start();
      const post = aPublishedPost(author.id, { title: "Cromlech" });
      (await noting.posts.insert(post))._unsafeUnwrap();
      await expect.poll(async () => found("cromlech")).toEqual(["Cromlech"]);
      const renamed = { ...post, title: title("Dolmen"), version: nextVersion(post.version) };
      (await noting.posts.update(renamed, post.version))._unsafeUnwrap();
      await expect.poll(async () => found("dolmen")).toEqual(["Dolmen"]);
      const third = aPublishedPost(author.id, { title: "Menhir" });
      (await noting.unitOfWork.run(async ({ posts }) => posts.insert(third)))._unsafeUnwrap();
      await expect.poll(async () => found("menhir")).toEqual(["Menhir"]);
      await indexing.stop();
    });

    it("indexes nothing of a unit of work that is rolled back", async () => {
      const { indexing, noting } = serve();
      indexing.start();
      const lost = aPublishedPost(author.id, { title: "Cromlech" });
      const refused = { kind: "refused" } as const;
      const unit = await noting.unitOfWork.run(async ({ posts }) => {
        (await posts.insert(lost))._unsafeUnwrap();
        return err(refused);
      });
      expect(unit).toEqual(err(refused));
      const kept = aPublishedPost(author.id, { title: "Dolmen" });
      (await noting.posts.insert(kept))._unsafeUnwrap();
      await expect.poll(async () => found("dolmen")).toEqual(["Dolmen"]);
      await indexing.stop();
      expect((await rows()).map((row) => row["post_id"])).toEqual([kept.id]);
    });

    it("indexes posts that are not reported singly: those of a crash, of a bulk change, and more than it remembers", async () => {
      await insert("Cromlech");
      const { indexing, noting } = serve();
      indexing.start();
      await expect.poll(async () => found("cromlech")).toEqual(["Cromlech"]);
      (await noting.posts.reassign(author.id, other.id, NOW, ANY_BATCH, null))._unsafeUnwrap();
      await expect.poll(async () => found("cromlech", postsOf(other.id)), { timeout: 10_000 }).toEqual(["Cromlech"]);
      await insert("Dolmen");
      for (let n = 0; n <= 10_000; n++) indexing.onChanged(nextId());
      await expect.poll(async () => found("dolmen"), { timeout: 20_000 }).toEqual(["Dolmen"]);
      await indexing.stop();
    }, 40_000);

    it("indexes the pending posts before it stops", async () => {
      const { indexing, noting } = serve();
      indexing.start();
      const written = Array.from({ length: 5 }, (_each, n) => aPublishedPost(author.id, { title: `Cromlech ${n}` }));
      for (const post of written) (await noting.posts.insert(post))._unsafeUnwrap();
      await indexing.stop();
      expect((await search("cromlech")).total).toBe(5);
    });

    it("tries again after a failure, which it logs once", async () => {
      const failure = {
        kind: "storage_failure",
        reason: "full",
        isTransient: false,
        operation: "o",
        cause: null,
      } as const;
      let failures = 2;
      const failing: SearchIndex = {
        ...storage.searchIndex,
        index: async (ids) => (failures-- > 0 ? err(failure) : storage.searchIndex.index(ids)),
        sweep: async () => (failures > 0 ? err(failure) : ok(0)),
      };
      const { indexing, noting } = serve(failing);
      indexing.start();
      const before = log.lines.length;
      (await noting.posts.insert(aPublishedPost(author.id, { title: "Cromlech" })))._unsafeUnwrap();
      (await noting.posts.insert(aPublishedPost(author.id, { title: "Cromlech" })))._unsafeUnwrap();
      await expect.poll(async () => (await search("cromlech")).total, { timeout: 15_000 }).toBe(2);
      await indexing.stop();
      const warnings = log.lines.slice(before).filter(({ level }) => level === "warn");
      expect(warnings).toHaveLength(1);
    }, 30_000);
  });
});

describe("the search index of a database on a server", () => {
  it("leaves out a post that another transaction is writing, and does not wait for it", async () => {
    const options = { ...serverDefaults, server: await createDatabase() };
    const storage = (await openPostgresStorage(options))._unsafeUnwrap();
    const { users, posts, searchIndex } = storage;
    (await users.insert(author))._unsafeUnwrap();
    const [held, free] = [aPublishedPost(author.id), aPublishedPost(author.id)];
    for (const post of [held, free]) (await posts.insert(post))._unsafeUnwrap();
    const client = serverClient(options);
    await client.begin(async (transaction) => {
      await transaction.unsafe(`update posts set version = version + 1 where id = '${held.id}'`);
      expect(await searchIndex.index([held.id, free.id])).toEqual(ok({ indexed: 1, left: [held.id] }));
    });
    expect(await searchIndex.index([held.id])).toEqual(ok({ indexed: 1, left: [] }));
    await client.end(1000);
    (await storage.close())._unsafeUnwrap();
  }, 60_000);

  it("is incomplete after a sweep that left out a post which another transaction was writing", async () => {
    const options = { ...serverDefaults, server: await createDatabase() };
    const storage = (await openPostgresStorage(options))._unsafeUnwrap();
    const { users, posts, searchIndex } = storage;
    (await users.insert(author))._unsafeUnwrap();
    const held = aPublishedPost(author.id);
    (await posts.insert(held))._unsafeUnwrap();
    const client = serverClient(options);
    // A sweep compares 1000 posts at a time. The last of these posts is in another batch, and it is the only one to index.
    await client.unsafe(`insert into posts select copy.* from posts p, generate_series(1, 1000) n,
      jsonb_populate_record(p, jsonb_build_object('id', 'ffffffff-0000-7000-8000-' || lpad(n::text, 12, '0'))) copy`);
    await client.unsafe(`insert into post_search (post_id, ordinal, version, analysis, published_at, bytes, terms)
      select id, row_number() over (), version, ${ANALYSIS_VERSION}, published_at, 0, '' from posts
      where id > '${held.id}' and id < (select max(id::text)::uuid from posts)`);
    await client.unsafe("update search_index set is_complete = false");
    const isComplete = async () => client.unsafe("select is_complete from search_index").values();
    await client.begin(async (transaction) => {
      await transaction.unsafe(`update posts set version = version + 1 where id = '${held.id}'`);
      expect(await searchIndex.sweep()).toEqual(ok(1));
    });
    expect(await isComplete()).toEqual([[false]]);
    expect(await searchIndex.sweep()).toEqual(ok(1));
    expect(await isComplete()).toEqual([[true]]);
    await client.end(1000);
    (await storage.close())._unsafeUnwrap();
  }, 60_000);
});

describe("the writes of the search index of an embedded database", () => {
  it("are announced at their beginning and at their end, also when they fail", async () => {
    const engine = await openTemplate();
    const { users, posts, searchIndex } = (await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER))._unsafeUnwrap();
    let events: string[] = [];
    searchIndex.onWrite(() => {
      events.push("begin");
      return () => void events.push("end");
    });
    const announced = async (write: () => Promise<unknown>) => {
      events = [];
      await write();
      return events;
    };
    (await users.insert(author))._unsafeUnwrap();
    const post = aPublishedPost(author.id);
    (await posts.insert(post))._unsafeUnwrap();
    const indexPost = async () => searchIndex.index([post.id]);
    const sweep = async () => searchIndex.sweep();
    expect(await announced(indexPost)).toEqual(["begin", "end"]);
    // A sweep that finds nothing to index may mark the index as complete.
    expect(await announced(sweep)).toEqual(["begin", "end"]);
    (await posts.insert(aPublishedPost(author.id)))._unsafeUnwrap();
    expect(await announced(sweep)).toEqual(["begin", "end", "begin", "end"]);
    await engine.query("alter table post_search rename to missing");
    const failing = async () => expect(indexPost()).rejects.toThrow("post_search");
    expect(await announced(failing)).toEqual(["begin", "end"]);
    await engine.close();
  });
});
