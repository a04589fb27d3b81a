import * as fc from "fast-check";
import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { Repositories } from "../../../src/application/ports/unit-of-work.ts";
import { isVisible, NEWEST_FIRST, type DraftFilter, type PostFilter } from "../../../src/domain/post/post-list.ts";
import { newDraft, newPublishedPost, type Post } from "../../../src/domain/post/post.ts";
import { parseSearchQuery } from "../../../src/domain/search/search-query.ts";
import type { PostId, UserId } from "../../../src/domain/shared/id.ts";
import { cachePosts } from "../../../src/infrastructure/storage/post-cache.ts";
import { ANY_BATCH, content, nextId, NOW, title } from "../../../src/testing/fixtures.ts";
import { InterleavedPosts, listed, type Ending } from "../../support/interleaved-posts.ts";

const RUNS = 2000;
const AUTHORS = [nextId<UserId>(), nextId<UserId>()] as const;
const IDS = [nextId<PostId>(), nextId<PostId>()] as const;
const READERS: readonly (DraftFilter | null)[] = [
  null,
  { authorId: null },
  { authorId: AUTHORS[0] },
  { authorId: AUTHORS[1] },
];

type Write =
  | { readonly do: "update" | "insert"; readonly id: PostId; readonly authorId: UserId; readonly isPublished: boolean }
  | { readonly do: "delete"; readonly id: PostId }
  | { readonly do: "deleteByAuthor"; readonly authorId: UserId }
  | { readonly do: "reassign"; readonly from: UserId; readonly to: UserId };

type Command =
  | { readonly do: "read"; readonly id: PostId; readonly drafts: DraftFilter | null }
  | { readonly do: "list"; readonly filter: PostFilter }
  | { readonly do: "search"; readonly filter: PostFilter }
  | { readonly do: "index" }
  | { readonly do: "write"; readonly write: Write; readonly ending: Ending }
  | { readonly do: "unit"; readonly writes: readonly Write[]; readonly isRefused: boolean; readonly ending: Ending };

const PUBLISHED = { authorId: null, after: null, before: null };
const FILTERS: readonly PostFilter[] = [
  { published: PUBLISHED, drafts: null },
  { published: PUBLISHED, drafts: { authorId: null } },
  { published: { ...PUBLISHED, authorId: AUTHORS[0] }, drafts: { authorId: AUTHORS[0] } },
  { published: null, drafts: { authorId: AUTHORS[1] } },
];

const id = fc.constantFrom(...IDS);
const author = fc.constantFrom(...AUTHORS);
const is = <Name extends string>(name: Name) => fc.constant(name);
const ending: fc.Arbitrary<Ending> = fc.record({
  as: fc.constantFrom("answered", "answered", "unknown", "thrown"),
  isStored: fc.boolean(),
});
const write: fc.Arbitrary<Write> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("update", "insert"), id, authorId: author, isPublished: fc.boolean() }),
  },
  fc.record({ do: is("delete"), id }),
  fc.record({ do: is("deleteByAuthor"), authorId: author }),
  fc.record({ do: is("reassign"), from: author, to: author }),
);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: is("read"), id, drafts: fc.constantFrom(...READERS) }) },
  { weight: 6, arbitrary: fc.record({ do: is("list"), filter: fc.constantFrom(...FILTERS) }) },
  { weight: 6, arbitrary: fc.record({ do: is("search"), filter: fc.constantFrom(...FILTERS) }) },
  { weight: 2, arbitrary: fc.record({ do: is("index") }) },
  { weight: 3, arbitrary: fc.record({ do: is("write"), write, ending }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: is("unit"),
      writes: fc.array(write, { minLength: 1, maxLength: 3 }),
      isRefused: fc.boolean(),
      ending,
    }),
  },
);
const clients = fc.array(fc.array(command, { minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 4 });

type PostOf = Pick<Extract<Write, { do: "update" | "insert" }>, "id" | "authorId" | "isPublished">;

function aPost({ id, authorId, isPublished }: PostOf): Post {
  const fields = { id, authorId, title: title("A post"), content: content("Text") };
  return isPublished ? newPublishedPost(fields, NOW)._unsafeUnwrap() : newDraft(fields, NOW);
}

const STORED = IDS.map((id, index) => aPost({ id, authorId: AUTHORS[0], isPublished: index === 0 }));

async function run({ posts }: Pick<Repositories, "posts">, database: InterleavedPosts, step: Write): Promise<unknown> {
  // No other write stores this version.
  const written = (post: PostOf) => ({ ...aPost(post), version: database.nextVersion() });
  switch (step.do) {
    case "insert":
      return posts.insert(written(step));
    case "update":
      return posts.update(written(step), database.versionOf(step.id));
    case "delete":
      return posts.delete(step.id, database.versionOf(step.id));
    case "deleteByAuthor":
      return posts.deleteByAuthor(step.authorId, ANY_BATCH, null);
    case "reassign":
      return posts.reassign(step.from, step.to, NOW, ANY_BATCH, null);
  }
}

const QUERY = parseSearchQuery("post")._unsafeUnwrap();
const PAGE = { limit: 20, from: null };

const versionsOf = (posts: readonly Post[]) => posts.map(({ id, version }) => ({ id, version }));
const versionOf = (post: Post | undefined, drafts: DraftFilter | null) =>
  post !== undefined && isVisible(post, drafts) ? post.version : null;

describe("post cache", () => {
  it("returns only states that a post, a list or a search had during the read, under every interleaving of reads and writes", async () => {
    let [reads, misses, lists, missedLists, searches, missedSearches] = [0, 0, 0, 0, 0, 0];
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), clients, async (scheduler, histories) => {
        const database = new InterleavedPosts(scheduler, STORED);
        const stored = database.storage();
        const counted: typeof stored.posts.findById = async (...args) => {
          misses++;
          return stored.posts.findById(...args);
        };
        const countedList: typeof stored.posts.list = async (...args) => {
          missedLists++;
          return stored.posts.list(...args);
        };
        const countedSearch: typeof stored.posts.search = async (...args) => {
          missedSearches++;
          return stored.posts.search(...args);
        };
        let beginIndexWrite = (): (() => void) => () => {};
        const cached = cachePosts(
          { ...stored, posts: { ...stored.posts, findById: counted, list: countedList, search: countedSearch } },
          { maxBytes: 100_000, onDatabaseRestarted: () => {}, onIndexWrite: (begin) => (beginIndexWrite = begin) },
        );
        const play = async (each: Command): Promise<unknown> => {
          if (each.do === "read") {
            reads++;
            const statesBefore = database.statesOf(each.id).length;
            const found = await cached.posts.findById(each.id, each.drafts);
            const during = database.statesOf(each.id).slice(statesBefore - 1);
            expect(during.map((post) => versionOf(post, each.drafts))).toContain(
              found.map((post) => post.version).unwrapOr(null),
            );
            return;
          }
          if (each.do === "list") {
            lists++;
            const before = database.snapshots().length;
            const found = await cached.posts.list(each.filter, NEWEST_FIRST, PAGE);
            const during = database.snapshots().slice(before - 1);
            expect(during.map((posts) => listed(posts, each.filter))).toContainEqual(found._unsafeUnwrap().items);
            return;
          }
          if (each.do === "search") {
            searches++;
            const before = database.searchable().length;
            const found = await cached.posts.search(each.filter, QUERY, PAGE);
            const during = database.searchable().slice(before - 1);
            expect(during.map((posts) => versionsOf(listed(posts, each.filter)))).toContainEqual(
              versionsOf(found._unsafeUnwrap().items),
            );
            return;
          }
          if (each.do === "index") return database.index().finally(beginIndexWrite());
          database.ending = each.ending;
          if (each.do === "write") return run(cached, database, each.write);
          return cached.unitOfWork.run(async (unit) => {
            for (const step of each.writes) await run(unit, database, step);
            return each.isRefused ? err("refused" as const) : ok();
          });
        };
        const playAll = async (history: readonly Command[]) => {
          for (const each of history) {
            await play(each).catch((thrown: unknown) => {
              if (!String(thrown).includes("on purpose")) throw thrown;
            });
          }
        };
        await scheduler.waitFor(Promise.all(histories.map(playAll)));
      }),
      { numRuns: RUNS },
    );
    // The property holds without a cache as well.
    expect(misses).toBeLessThan(reads);
    expect(missedLists).toBeLessThan(lists);
    expect(missedSearches).toBeLessThan(searches);
  });
});
