import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import type { PostId } from "../domain/shared/id.ts";
import type { Page } from "../domain/shared/page.ts";
import type { Post } from "../domain/post/post.ts";
import { POST_SORT_KEYS, type PostFilter, type PostSort } from "../domain/post/post-list.ts";
import { titleSortKey } from "../domain/post/title-key.ts";
import { nextVersion } from "../domain/shared/version.ts";
import { aDraft, aPublishedPost, aUser, NOW } from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import { isThorough } from "./thorough.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";

const SORTS = POST_SORT_KEYS.flatMap((by) => [true, false].map((descending): PostSort => ({ by, descending })));

/**
 * A run inserts and reads dozens of posts, and each sort has three properties. `endOnFailure` skips shrinking, which would
 * take minutes. The report contains the seed.
 */
const RUNS = { numRuns: isThorough ? 20 : 4, endOnFailure: true };

const AUTHORS = [aUser(), aUser()];

/** Titles of the maximum length, which differ only after the end of their truncated sort keys. */
const BEYOND = ["1", "2"].map((last) => `${"1 ".repeat(149)}.${last}`);

const author = fc.constantFrom(...AUTHORS.map(({ id }) => id));
const moment = fc.nat({ max: 2 }).map((ms) => new Date(NOW.getTime() + ms));
const fields = fc.record({
  author,
  isDraft: fc.boolean(),
  // Few titles, so that many posts have equal sort keys. An order by length or by UTF-16 code units would differ from the
  // order by code points.
  title: fc.constantFrom("a", "B", "a b", "\uFF21", "\uFA0E", "\u{1F99C}", "\u{1F99C}".repeat(300), ...BEYOND),
  updatedAt: moment,
  publishedAt: moment,
});
/** The time of a new post's id, which decides its position among the other posts. */
const place = fc.nat({ max: 0xffff });
/** An index into the posts of the last page, from its end, followed by all posts. */
const which = fc.oneof(fc.constant(0), fc.nat({ max: 20 }));

const write = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constant("insert" as const), place, fields }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("update" as const), which, fields }) },
  fc.record({ do: fc.constant("delete" as const), which }),
);

const authorId = fc.option(author, { nil: null, freq: 2 });
const bound = fc.constantFrom(null, null, null, NOW, new Date(NOW.getTime() + 2));

/** Posts, and the parameters of a list that a test reads page by page. */
const scene = fc.record({
  posts: fc.array(fc.record({ place, fields }), { minLength: 12, maxLength: 24 }),
  /** The writes after each page. */
  writes: fc.array(fc.array(write, { minLength: 1, maxLength: 3 }), { minLength: 4, maxLength: 8 }),
  limit: fc.integer({ min: 1, max: 3 }),
  published: fc.option(fc.record({ authorId, after: bound, before: bound }), { nil: null, freq: 8 }),
  drafts: fc.option(fc.record({ authorId }), { nil: null, freq: 8 }),
});

type Of<An> = An extends fc.Arbitrary<infer Value> ? Value : never;
type Write = Of<typeof write>;

function postOf({ author, isDraft, publishedAt, title, updatedAt }: Of<typeof fields>, id: PostId): Post {
  const given = { id, title };
  return isDraft
    ? { ...aDraft(author, given), updatedAt }
    : { ...aPublishedPost(author, given), publishedAt, updatedAt };
}

function isShown({ authorId, publishedAt }: Post, { published, drafts }: PostFilter): boolean {
  const isIn = (range: PostFilter["drafts"]) => range !== null && (range.authorId ?? authorId) === authorId;
  if (publishedAt === null) return isIn(drafts);
  return (
    isIn(published) &&
    !(published?.after && publishedAt <= published.after) &&
    !(published?.before && publishedAt >= published.before)
  );
}

const KEYS: Readonly<Record<PostSort["by"], (post: Post) => string>> = {
  created: () => "",
  updated: ({ updatedAt }) => updatedAt.toISOString(),
  published: ({ publishedAt }) => publishedAt?.toISOString() ?? "",
  title: (post) => titleSortKey(post.title),
};

/** Compares the bytes of UTF-8, which have the order of code points. */
function compareBy({ by, descending }: PostSort) {
  const bytes = (post: Post) => Buffer.from(`${KEYS[by](post)}\0${post.id}`);
  return (a: Post, b: Post) => Buffer.compare(bytes(a), bytes(b)) * (descending ? -1 : 1);
}

/** Writes posts, and keeps a model of the stored posts and the ids of the changed ones. */
function writer({ posts }: Storage) {
  const stored = new Map<PostId, Post>();
  const changed = new Set<PostId>();
  let made = 0;

  async function insert({ place, fields }: Omit<Extract<Write, { do: "insert" }>, "do">): Promise<void> {
    made++;
    const [time, serial] = [place.toString(16).padStart(8, "0"), made.toString(16).padStart(12, "0")];
    const post = postOf(fields, `${time}-0000-7000-8000-${serial}` as PostId);
    (await posts.insert(post))._unsafeUnwrap();
    stored.set(post.id, post);
    changed.add(post.id);
  }

  async function write(step: Write, page: readonly Post[]): Promise<void> {
    if (step.do === "insert") return insert(step);
    const post = [...page.toReversed(), ...stored.values()].map(({ id }) => stored.get(id))[step.which];
    if (post === undefined) return;
    changed.add(post.id);
    if (step.do === "delete") {
      (await posts.delete(post.id, post.version))._unsafeUnwrap();
      stored.delete(post.id);
    } else {
      const edited = { ...postOf(step.fields, post.id), version: nextVersion(post.version) };
      (await posts.update(edited, post.version))._unsafeUnwrap();
      stored.set(post.id, edited);
    }
  }

  return { stored, changed, insert, write };
}

export function postPagingContract(adapter: StorageUnderTest): void {
  describe(`Keyset pagination of PostRepository on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter);

    /** Fills a storage with the posts. Returns functions that read a list of them page by page. */
    async function open({ posts, limit, published, drafts }: Of<typeof scene>, sort: PostSort) {
      const storage = await emptied();
      for (const user of AUTHORS) (await storage.users.insert(user))._unsafeUnwrap();
      const { stored, changed, insert, write } = writer(storage);
      for (const post of posts) await insert(post);
      const compare = compareBy(sort);
      const filter: PostFilter = { published, drafts: sort.by === "published" ? null : drafts };

      const shown = () => [...stored.values()].filter((post) => isShown(post, filter)).toSorted(compare);

      /** Reads the pages from `start`, or from the first, to the end in one direction. Checks each page, then does its writes. */
      async function pages(turn: "next" | "previous", start: Page<Post> | null, writes: readonly Write[][] = []) {
        const seen: Page<Post>[] = [];
        let last = start;
        do {
          const edge = turn === "next" ? last?.items.at(-1) : last?.items[0];
          const isBeyond = (post: Post) => edge === undefined || compare(post, edge) * (turn === "next" ? 1 : -1) > 0;
          const beyond = shown().filter(isBeyond);
          const page = (await storage.posts.list(filter, sort, { limit, from: last && last[turn] }))._unsafeUnwrap();
          expect(page.items).toEqual(turn === "next" ? beyond.slice(0, limit) : beyond.slice(-limit));
          const read = turn === "next" ? page.items : page.items.toReversed();
          for (const each of writes[seen.length] ?? []) await write(each, read);
          seen.push(page);
          last = page;
        } while (last[turn] !== null);
        return turn === "next" ? seen : seen.toReversed();
      }

      return { pages, shown, changed };
    }

    describe.each(SORTS)("by $by, descending: $descending", (sort) => {
      it("shows each post once and in order, and returns the same pages backward", async () => {
        const property = fc.asyncProperty(scene, async (given) => {
          const { pages, shown } = await open(given, sort);
          const forth = await pages("next", null);
          expect(forth.flatMap(({ items }) => items)).toEqual(shown());
          expect(forth.slice(0, -1).every(({ items }) => items.length === given.limit)).toBe(true);
          const last = forth.at(-1) ?? null;
          if (last?.previous) expect(await pages("previous", last)).toEqual(forth.slice(0, -1));
        });
        await fc.assert(property, RUNS);
      });

      it.each(["next", "previous"] as const)(
        "shows each unchanged post once and in order while other posts are written, by %s",
        async (turn) => {
          const property = fc.asyncProperty(scene, async (given) => {
            const { pages, shown, changed } = await open(given, sort);
            const beyond = turn === "next" ? [] : (await pages("next", null)).slice(-1);
            const [start = null] = beyond;
            if (start !== null && start.previous === null) return;
            const expected = shown();
            changed.clear();
            const seen = [...(await pages(turn, start, given.writes)), ...beyond].flatMap(({ items }) => items);
            const isKept = ({ id }: Post) => !changed.has(id);
            expect(seen.filter(isKept)).toEqual(expected.filter(isKept));
          });
          await fc.assert(property, RUNS);
        },
      );
    });
  });
}
