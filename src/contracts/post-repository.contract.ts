import { beforeEach, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import type { PostId, UserId } from "../domain/shared/id.ts";
import type { PageCursor } from "../domain/shared/page.ts";
import { MAX_CONTENT_BYTES, editPost, publishPost, unpublishPost, type Post } from "../domain/post/post.ts";
import type { BatchCursor } from "../domain/post/post-repository.ts";
import { NEWEST_FIRST, type DraftFilter, type PostFilter } from "../domain/post/post-list.ts";
import { storedPostBytes } from "../domain/shared/storage-quota.ts";
import { FIRST_VERSION, nextVersion, type Version } from "../domain/shared/version.ts";
import {
  aDraft,
  aPublishedPost,
  aUser,
  ANY_BATCH,
  content,
  EVERY_POST,
  LATER,
  nextId,
  NOW,
  past,
  postsOf,
  title,
  EVERY_DRAFT,
  countOf,
} from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";

const ANY_TIME = { after: null, before: null };

const NOTHING = { items: [], next: null, previous: null, total: null };

const MIB = 1_048_576;

const TEXTS = [
  ["emoji beyond the basic plane", "👩🏽‍🚀 👨‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿"],
  ["combining marks, not composed", "e\u0301 a\u0308 Z\u0351\u0343\u036B"],
  ["right-to-left text with marks", "مرحبا שָׁלוֹם \u202Eabc\u202C"],
  ["Chinese, Japanese and Korean", "漢字 かな 한국어 𠮷"],
  [
    "every control character but NUL",
    String.fromCodePoint(...Array.from({ length: 31 }, (_, i) => i + 1), 0x7f, 0x85, 0x9f, 0x61),
  ],
  ["noncharacters and a replacement character", "\uFFFD\uFFFE\uFFFF\u{10FFFF}"],
  ["line ends of every kind", "a\r\nb\nc\rd\u2028e\u2029f"],
  ["white space at both ends", " \t text \u00A0\n "],
  ["SQL syntax", "'); drop table \"posts\"; -- \\ $1 ? {} E'\\x00'"],
] as const;

const idsOf = (posts: readonly Post[]) => posts.map((post) => post.id);

export function postRepositoryContract(adapter: StorageUnderTest): void {
  describe(`PostRepository on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter);
    let storage: Storage;
    let author: UserId;
    let otherAuthor: UserId;

    beforeEach(async () => {
      storage = await emptied();
      const users = [aUser(), aUser()] as const;
      for (const user of users) (await storage.users.insert(user))._unsafeUnwrap();
      [author, otherAuthor] = [users[0].id, users[1].id];
    });

    const stored = async <P extends Post>(post: P): Promise<P> => {
      (await storage.posts.insert(post))._unsafeUnwrap();
      return post;
    };
    const found = async (id: PostId): Promise<Post> => (await storage.posts.findById(id, EVERY_DRAFT))._unsafeUnwrap();
    const exists = async (id: PostId): Promise<boolean> => (await storage.posts.findById(id, EVERY_DRAFT)).isOk();
    const page = async (limit: number, from: PageCursor<PostId> | null = null, filter: PostFilter = EVERY_POST) =>
      (await storage.posts.list(filter, NEWEST_FIRST, { limit, from }))._unsafeUnwrap();

    const ofBytes = async (bytes: number, unit = "x"): Promise<PostId> => {
      const text = unit.repeat(bytes / new TextEncoder().encode(unit).length);
      return (await stored(aDraft(author, { content: text }))).id;
    };

    /** The ids on each page, from the first page to the last. */
    async function pages(limit: number, filter: PostFilter = EVERY_POST): Promise<PostId[][]> {
      const seen: PostId[][] = [];
      let from: PageCursor<PostId> | null = null;
      do {
        const { items, next } = await page(limit, from, filter);
        seen.push(idsOf(items));
        from = next;
      } while (from !== null);
      return seen;
    }

    describe("insert and findById", () => {
      it("stores all of 40 concurrent inserts except those with an unknown author", async () => {
        const posts = Array.from({ length: 40 }, (_, index) => aDraft(index % 8 === 5 ? nextId<UserId>() : author));
        const outcomes = await Promise.all(posts.map(async (post) => storage.posts.insert(post)));
        for (const [index, outcome] of outcomes.entries()) {
          if (index % 8 === 5) expect(outcome._unsafeUnwrapErr()).toEqual({ kind: "author_not_found" });
          else expect(outcome.isOk()).toBe(true);
        }
        const kept = posts.filter((_, index) => index % 8 !== 5);
        expect((await pages(100)).flat()).toEqual(idsOf(kept).toReversed());
      });

      it("throws when the id is already stored, and keeps the stored post", async () => {
        const post = await stored(aDraft(author));
        await expect(storage.posts.insert(aDraft(author, { id: post.id }))).rejects.toThrow();
        expect(await found(post.id)).toEqual(post);
      });

      it("returns a draft with every field unchanged", async () => {
        const post = await stored(aDraft(author));
        expect(await found(post.id)).toEqual(post);
      });

      it("returns a published post with every field unchanged and its times exact to the millisecond", async () => {
        const published = publishPost(aDraft(author), new Date("2026-03-01T12:30:00.999Z"))._unsafeUnwrap();
        const edited = editPost(published, { title: title("Edited") }, LATER)._unsafeUnwrap();
        await stored(edited);
        expect(await found(edited.id)).toEqual(edited);
      });

      it.each(TEXTS)("preserves a title and content with %s", async (_, text) => {
        const post = await stored(aDraft(author, { title: text, content: text }));
        const { title, content } = await found(post.id);
        expect([title, content]).toEqual([text, text]);
      });

      it("preserves empty content", async () => {
        const post = await stored(aDraft(author, { content: "" }));
        expect((await found(post.id)).content).toBe("");
      });

      it.each([
        ["one byte", "x"],
        ["two bytes", "ж"],
        ["four bytes", "😀"],
      ])("preserves 1 MiB of content made of characters of %s", async (_, character) => {
        const text = character.repeat(MAX_CONTENT_BYTES / new TextEncoder().encode(character).length);
        const post = await stored(aDraft(author, { content: text }));
        expect((await found(post.id)).content === text).toBe(true);
      });

      it("rejects a post whose author does not exist, and stores nothing", async () => {
        const post = aDraft(nextId<UserId>());
        expect((await storage.posts.insert(post))._unsafeUnwrapErr()).toEqual({ kind: "author_not_found" });
        expect(await exists(post.id)).toBe(false);
      });

      it("returns post_not_found for an unknown id", async () => {
        await stored(aDraft(author));
        const result = await storage.posts.findById(nextId<PostId>(), EVERY_DRAFT);
        expect(result._unsafeUnwrapErr()).toEqual({ kind: "post_not_found" });
      });

      it.each<[string, () => DraftFilter | null, boolean]>([
        ["a filter for no drafts", () => null, false],
        ["a filter for the author's drafts", () => ({ authorId: author }), true],
        ["a filter for another author's drafts", () => ({ authorId: otherAuthor }), false],
        ["a filter for all drafts", () => EVERY_DRAFT, true],
      ])("finds a published post always, and a draft only if the filter allows it: %s", async (_, drafts, isFound) => {
        const draft = await stored(aDraft(author));
        const published = await stored(aPublishedPost(author));
        const result = await storage.posts.findById(draft.id, drafts());
        if (isFound) expect(result._unsafeUnwrap()).toEqual(draft);
        else expect(result._unsafeUnwrapErr()).toEqual({ kind: "post_not_found" });
        expect((await storage.posts.findById(published.id, drafts()))._unsafeUnwrap()).toEqual(published);
      });

      it("applies the filter of each call when many concurrent calls read the same posts", async () => {
        const drafts = [await stored(aDraft(author)), await stored(aDraft(otherAuthor))];
        const published = await stored(aPublishedPost(author));
        const filters = [null, { authorId: author }, { authorId: otherAuthor }, EVERY_DRAFT];
        const questions = filters.flatMap((filter) => [...drafts, published].map((post) => ({ filter, post })));
        const results = await Promise.all(
          [...questions, ...questions].map(async ({ filter, post }) => storage.posts.findById(post.id, filter)),
        );
        const isFound = [false, false, true, true, false, true, false, true, true, true, true, true];
        expect(results.map((result) => result.isOk())).toEqual([...isFound, ...isFound]);
        for (const [index, { post }] of questions.entries()) {
          if (isFound[index]) expect(results[index]?._unsafeUnwrap()).toEqual(post);
        }
      });

      it("answers 120 concurrent calls of findById", async () => {
        const posts = [];
        for (let i = 0; i < 120; i++) posts.push(await stored(i % 2 === 0 ? aDraft(author) : aPublishedPost(author)));
        const results = await Promise.all(posts.map(async ({ id }) => storage.posts.findById(id, null)));
        expect(results.map((result) => result.isOk())).toEqual(posts.map(({ status }) => status === "published"));
      });

      it("hasPublished ignores drafts and the posts of other authors", async () => {
        const hasPublished = async (id: UserId) => (await storage.posts.hasPublished(id))._unsafeUnwrap();
        await stored(aDraft(author));
        await stored(aPublishedPost(otherAuthor));
        expect(await hasPublished(author)).toBe(false);
        expect(await hasPublished(otherAuthor)).toBe(true);
        expect(await hasPublished(nextId<UserId>())).toBe(false);
        await stored(aPublishedPost(author));
        expect(await hasPublished(author)).toBe(true);
      });

      it("does not share objects with the caller of insert", async () => {
        const post = aPublishedPost(author);
        const mine = { ...post, createdAt: new Date(NOW), publishedAt: new Date(NOW), updatedAt: new Date(NOW) };
        await stored(mine);
        mine.createdAt.setTime(0);
        mine.publishedAt.setTime(0);
        mine.title = title("Another title");
        expect(await found(post.id)).toEqual(post);
      });

      it("does not let the callers of findById and list change its posts", async () => {
        const post = await stored(aPublishedPost(author));
        for (const answer of [await found(post.id), ...(await page(10)).items]) {
          // True for a copy, and false for a frozen post.
          const isChanged = Reflect.set(answer, "title", "Another title");
          expect(isChanged).toBe(!Object.isFrozen(answer));
        }
        expect(await found(post.id)).toEqual(post);
      });
    });

    describe("list", () => {
      it("returns an empty page without cursors when no post is stored", async () => {
        expect(await page(10)).toEqual(NOTHING);
      });

      it("returns the number of posts in the whole list with every page, empty pages included", async () => {
        for (let i = 0; i < 4; i++) await stored(i % 2 === 0 ? aDraft(author) : aPublishedPost(author));
        await stored(aPublishedPost(otherAuthor));
        const counted = async (from: PageCursor<PostId> | null, filter: PostFilter) => {
          const read = await storage.posts.list(filter, NEWEST_FIRST, { limit: 1, from, isCounted: true });
          const { items, total } = read._unsafeUnwrap();
          return [items.length, total];
        };
        expect(await counted(null, EVERY_POST)).toEqual([1, 5]);
        expect(await counted(null, postsOf(author))).toEqual([1, 4]);
        expect(await counted(null, { ...EVERY_POST, drafts: null })).toEqual([1, 3]);
        expect(await counted(null, { published: null, drafts: null })).toEqual([0, 0]);
        const { items } = await page(5);
        expect(await counted(past((items.at(-1) as Post).id), EVERY_POST)).toEqual([0, 5]);
      });

      it("returns the newest post first, whatever the order of the inserts, with every field unchanged", async () => {
        const posts = [aDraft(author), aPublishedPost(otherAuthor), aDraft(otherAuthor), aPublishedPost(author)];
        for (const index of [2, 0, 3, 1]) await stored(posts[index] as Post);
        expect((await page(10)).items).toEqual(posts.toReversed());
      });

      it.each([
        ["one less than the number of posts", 3, 3, true],
        ["the number of posts", 4, 4, false],
        ["one more than the number of posts", 5, 4, false],
      ])(
        "fills the page and returns a next cursor only if posts remain, with a limit of %s",
        async (_, limit, length, hasNext) => {
          for (let i = 0; i < 4; i++) await stored(i % 2 === 0 ? aDraft(author) : aPublishedPost(author));
          const { items, next } = await page(limit);
          expect(items).toHaveLength(length);
          expect(next).toEqual(hasNext ? past(items.at(-1)?.id ?? nextId<PostId>()) : null);
        },
      );

      it("continues after the id of a deleted post", async () => {
        const oldest = await stored(aDraft(author));
        const middle = await stored(aDraft(author));
        await stored(aDraft(author));
        (await storage.posts.delete(middle.id, middle.version))._unsafeUnwrap();
        expect(idsOf((await page(10, past(middle.id))).items)).toEqual([oldest.id]);
      });

      it("skips and repeats no post while inserts and deletes run between the pages", async () => {
        const posts: Post[] = [];
        for (let i = 0; i < 6; i++) posts.push(await stored(aPublishedPost(author)));
        const [p1, p2, p3, p4, p5, p6] = idsOf(posts) as [PostId, PostId, PostId, PostId, PostId, PostId];
        const first = await page(2);
        await stored(aPublishedPost(author));
        (await storage.posts.delete(p5, FIRST_VERSION))._unsafeUnwrap();
        (await storage.posts.delete(p3, FIRST_VERSION))._unsafeUnwrap();
        const second = await page(2, first.next);
        await stored(aPublishedPost(author));
        const rest = await page(2, second.next);
        expect([first, second, rest].map(({ items }) => idsOf(items))).toEqual([[p6, p5], [p4, p2], [p1]]);
        expect(rest.next).toBeNull();
      });

      describe("by filter", () => {
        let posts: readonly Post[];

        beforeEach(async () => {
          const both = [author, otherAuthor];
          const third = aUser();
          (await storage.users.insert(third))._unsafeUnwrap();
          both.push(third.id);
          // Authors and statuses alternate with different periods, so that every filter must skip posts in between.
          posts = Array.from({ length: 24 }, (_, i) => {
            const authorId = both[i % 3] as UserId;
            return i % 4 < 2 ? aDraft(authorId) : aPublishedPost(authorId);
          });
          for (const post of posts) await stored(post);
        });

        const whose = ["none", "everybody", "the author", "another"] as const;
        const filters = whose
          .flatMap((published) => whose.map((drafts) => ({ published, drafts })))
          .filter(({ published, drafts }) => published !== "none" || drafts !== "none");

        it.each(filters)(
          "returns the filtered posts in pages of every size, published: $published, drafts: $drafts",
          async (shown) => {
            const ofWhom = (who: (typeof whose)[number]) =>
              who === "none"
                ? null
                : { authorId: { everybody: null, "the author": author, another: otherAuthor }[who] };
            const published = ofWhom(shown.published);
            const filter = { published: published && { ...published, ...ANY_TIME }, drafts: ofWhom(shown.drafts) };
            const expected = posts
              .filter(({ status, authorId }) => {
                const range = status === "draft" ? filter.drafts : filter.published;
                return range !== null && (range.authorId === null || range.authorId === authorId);
              })
              .toReversed();
            expect(expected.length).toBeGreaterThan(2);
            expect((await page(100, null, filter)).items).toEqual(expected);
            for (const limit of [1, 2, expected.length - 1, expected.length, expected.length + 1]) {
              const seen = await pages(limit, filter);
              expect(seen.flat()).toEqual(idsOf(expected));
              expect(seen.slice(0, -1).every((ids) => ids.length === limit)).toBe(true);
              expect(seen).toHaveLength(Math.ceil(expected.length / limit));
            }
          },
        );

        it("returns an empty page for an unknown author", async () => {
          const nobody = nextId<UserId>();
          expect(await page(10, null, postsOf(nobody))).toEqual(NOTHING);
        });

        it("returns only published posts when the author of the drafts filter has no drafts", async () => {
          const { items } = await page(100, null, { ...EVERY_POST, drafts: { authorId: nextId<UserId>() } });
          expect(items).toEqual(posts.filter((post) => post.status === "published").toReversed());
        });
      });

      describe("by bytes", () => {
        const QUARTER = MIB / 4;
        const jsonBytes = (posts: readonly Post[]) => Buffer.byteLength(JSON.stringify(posts));
        /** Stores `count` posts with `bytesOfEach` bytes of JSON content each. Returns the number of posts on each page. */
        async function pagesOf(character: string, bytesOfEach: number, count: number): Promise<number[]> {
          const text = character.repeat(bytesOfEach / (jsonBytes([character] as never) - 4));
          for (let i = 0; i < count; i++) await stored(aDraft(author, { content: text }));
          return (await pages(100)).map((ids) => ids.length);
        }

        it.each([
          ["one byte", "x"],
          ["three bytes of UTF-8", "漢"],
          ["four bytes of UTF-8", "😀"],
          ["an escape of two bytes", "\n"],
          ["a quote", '"'],
          ["a backslash", "\\"],
          ["a control character that older versions accepted, six bytes in JSON", "\u0001"],
        ])("limits a page to 1 MiB of JSON after its first post, with characters of %s", async (_, character) => {
          // The first post is not counted. A fourth quarter would exceed 1 MiB, because a post has more fields than its content.
          expect(await pagesOf(character, QUARTER, 9)).toEqual([4, 4, 1]);
          const { items, next } = await page(100);
          expect(jsonBytes(items.slice(1))).toBeLessThanOrEqual(MIB);
          expect(jsonBytes([...items.slice(1), ...items.slice(0, 1)])).toBeGreaterThan(MIB);
          expect(next).not.toBeNull();
        });

        it("includes the first post of a page whatever its size, and continues after it", async () => {
          expect(await pagesOf("\u0001", 6 * MIB, 3)).toEqual([1, 1, 1]);
        });

        it("counts the bytes of titles", async () => {
          for (let i = 0; i < 4; i++) {
            await stored(aDraft(author, { title: "\u0001".repeat(300), content: "x".repeat(MIB / 3 - 3_000) }));
          }
          expect((await pages(100)).map((ids) => ids.length)).toEqual([3, 1]);
        });

        it("fills the page to its limit when the posts are short", async () => {
          for (let i = 0; i < 101; i++) await stored(aDraft(author, { content: "short" }));
          expect((await pages(100)).map((ids) => ids.length)).toEqual([100, 1]);
        });

        it("returns no next cursor when the last post of the list fills the page", async () => {
          for (let i = 0; i < 4; i++) await ofBytes(QUARTER);
          const { items, next } = await page(10);
          expect(items).toHaveLength(4);
          expect(next).toBeNull();
        });

        it("continues after a page that reaches both the limit and the maximum of bytes", async () => {
          const ids: PostId[] = [];
          for (let i = 0; i < 5; i++) ids.push(await ofBytes(QUARTER));
          expect(await pages(4)).toEqual([ids.slice(1).toReversed(), ids.slice(0, 1)]);
        });

        it("counts the bytes from the cursor on when it pages backward", async () => {
          const ids: PostId[] = [];
          for (let i = 0; i < 6; i++) ids.push(await ofBytes(QUARTER));
          const last = await page(100, past(ids[1] as PostId));
          expect(idsOf(last.items)).toEqual(ids.slice(0, 1));
          const before = await page(100, last.previous);
          expect(idsOf(before.items)).toEqual(ids.slice(1, 5).toReversed());
          expect(idsOf((await page(100, before.previous)).items)).toEqual(ids.slice(5));
        });

        it("limits the bytes of a page whose filter combines published posts and drafts", async () => {
          const ids: PostId[] = [];
          for (let i = 0; i < 6; i++) {
            const text = "x".repeat(QUARTER);
            const post =
              i % 2 === 0 ? aDraft(author, { content: text }) : aPublishedPost(otherAuthor, { content: text });
            ids.push((await stored(post)).id);
          }
          const filter: PostFilter = { ...EVERY_POST, drafts: { authorId: author } };
          expect(await pages(10, filter)).toEqual([ids.slice(2).toReversed(), ids.slice(0, 2).toReversed()]);
        });
      });
    });

    describe("update", () => {
      it("stores the edited fields", async () => {
        const post = await stored(aDraft(author));
        const edits = { title: title("New"), content: content("New content") };
        const edited = editPost(post, edits, LATER)._unsafeUnwrap();
        expect((await storage.posts.update(edited, post.version)).isOk()).toBe(true);
        expect(await found(post.id)).toEqual(edited);
      });

      it("stores the status of a post that is published and then unpublished", async () => {
        const post = await stored(aDraft(author));
        const published = publishPost(post, LATER)._unsafeUnwrap();
        (await storage.posts.update(published, post.version))._unsafeUnwrap();
        expect(await found(post.id)).toEqual(published);
        const unpublished = unpublishPost(published, LATER)._unsafeUnwrap();
        (await storage.posts.update(unpublished, published.version))._unsafeUnwrap();
        expect(await found(post.id)).toEqual(unpublished);
      });

      it("does not change other posts", async () => {
        const other = await stored(aDraft(author));
        const post = await stored(aDraft(author));
        (await storage.posts.update(publishPost(post, LATER)._unsafeUnwrap(), post.version))._unsafeUnwrap();
        expect(await found(other.id)).toEqual(other);
      });

      it.each([
        ["older than the stored one", FIRST_VERSION],
        ["newer than the stored one", 3 as Version],
        ["the largest possible version", Number.MAX_SAFE_INTEGER as Version],
      ])("rejects an expected version that is %s, and keeps the stored post", async (_, expected) => {
        const post = await stored(publishPost(aDraft(author), LATER)._unsafeUnwrap());
        const edited = editPost(post, { title: title("New") }, LATER)._unsafeUnwrap();
        expect((await storage.posts.update(edited, expected))._unsafeUnwrapErr()).toEqual({ kind: "version_conflict" });
        expect(await found(post.id)).toEqual(post);
      });

      it("returns post_not_found for an unknown post, and does not store it", async () => {
        const post = aDraft(author);
        expect((await storage.posts.update(post, post.version))._unsafeUnwrapErr()).toEqual({ kind: "post_not_found" });
        expect(await exists(post.id)).toBe(false);
      });

      it("rejects an author who does not exist, and keeps the stored post", async () => {
        const post = await stored(aDraft(author));
        const given = { ...post, authorId: nextId<UserId>(), version: nextVersion(post.version) };
        expect((await storage.posts.update(given, post.version))._unsafeUnwrapErr()).toEqual({
          kind: "author_not_found",
        });
        expect(await found(post.id)).toEqual(post);
      });

      it("returns version_conflict when the version is stale and the author does not exist", async () => {
        const post = await stored(aDraft(author));
        const given = { ...post, authorId: nextId<UserId>() };
        const result = await storage.posts.update(given, nextVersion(post.version));
        expect(result._unsafeUnwrapErr()).toEqual({ kind: "version_conflict" });
      });

      it("stores a new author of a post", async () => {
        const post = await stored(aDraft(author));
        const given = { ...post, authorId: otherAuthor, version: nextVersion(post.version) };
        (await storage.posts.update(given, post.version))._unsafeUnwrap();
        expect((await page(10, null, postsOf(author))).items).toEqual([]);
        expect((await page(10, null, postsOf(otherAuthor))).items).toEqual([given]);
      });

      it("does not share objects with the caller of update", async () => {
        const post = await stored(aDraft(author));
        const published = publishPost(post, new Date(LATER))._unsafeUnwrap();
        (await storage.posts.update(published, post.version))._unsafeUnwrap();
        published.publishedAt.setTime(0);
        expect((await found(post.id)).publishedAt).toEqual(LATER);
      });

      it("accepts exactly one of two concurrent updates of one version", async () => {
        const post = await stored(aDraft(author));
        const edits = ["One", "Two"].map((raw) => editPost(post, { title: title(raw) }, LATER)._unsafeUnwrap());
        const results = await Promise.all(edits.map(async (edited) => storage.posts.update(edited, post.version)));
        expect(results.filter((result) => result.isOk())).toHaveLength(1);
        expect(results.find((result) => result.isErr())?.error).toEqual({ kind: "version_conflict" });
        const winner = edits[results.findIndex((result) => result.isOk())];
        expect(await found(post.id)).toEqual(winner);
      });
    });

    describe("delete", () => {
      it("deletes the post and no other post", async () => {
        const other = await stored(aDraft(author));
        const post = await stored(aDraft(author));
        expect((await storage.posts.delete(post.id, post.version)).isOk()).toBe(true);
        expect((await storage.posts.findById(post.id, EVERY_DRAFT))._unsafeUnwrapErr()).toEqual({
          kind: "post_not_found",
        });
        expect((await page(10)).items).toEqual([other]);
      });

      it.each([
        ["older than the stored one", FIRST_VERSION],
        ["newer than the stored one", 3 as Version],
      ])("rejects an expected version that is %s, and keeps the post", async (_, expected) => {
        const post = await stored(publishPost(aDraft(author), LATER)._unsafeUnwrap());
        expect((await storage.posts.delete(post.id, expected))._unsafeUnwrapErr()).toEqual({
          kind: "version_conflict",
        });
        expect(await found(post.id)).toEqual(post);
      });

      it("returns post_not_found for an unknown id", async () => {
        const result = await storage.posts.delete(nextId<PostId>(), FIRST_VERSION);
        expect(result._unsafeUnwrapErr()).toEqual({ kind: "post_not_found" });
      });

      it("accepts exactly one of a concurrent update and delete of one version", async () => {
        const post = await stored(aDraft(author));
        const edited = editPost(post, { title: title("New") }, LATER)._unsafeUnwrap();
        const [updated, deleted] = await Promise.all([
          storage.posts.update(edited, post.version),
          storage.posts.delete(post.id, post.version),
        ]);
        expect([updated.isOk(), deleted.isOk()].filter(Boolean)).toHaveLength(1);
        expect(await exists(post.id)).toBe(updated.isOk());
      });
    });

    describe("deleteByAuthor", () => {
      it("deletes the drafts and published posts of the author, and no posts of others", async () => {
        await stored(aDraft(author));
        await stored(aPublishedPost(author));
        const kept = await stored(aDraft(otherAuthor));
        expect((await storage.posts.deleteByAuthor(author, ANY_BATCH, null)).isOk()).toBe(true);
        expect((await page(10)).items).toEqual([kept]);
      });

      it("succeeds without a change for an author without posts", async () => {
        const kept = await stored(aDraft(otherAuthor));
        expect((await storage.posts.deleteByAuthor(author, ANY_BATCH, null)).isOk()).toBe(true);
        expect((await storage.posts.deleteByAuthor(nextId<UserId>(), ANY_BATCH, null)).isOk()).toBe(true);
        expect((await page(10)).items).toEqual([kept]);
      });
    });

    describe("a batch of an author's posts", () => {
      const limits = { rows: 3, bytes: MIB };

      /** Runs batches until the last. Returns the number of posts that the author still has after each batch but the last. */
      const batches = async (next: (past: BatchCursor | null) => ReturnType<Storage["posts"]["deleteByAuthor"]>) => {
        const left: number[] = [];
        for (let past: BatchCursor | null = null; ;) {
          past = (await next(past))._unsafeUnwrap();
          if (past === null) return left;
          left.push(await countOf(storage.posts, postsOf(author)));
        }
      };
      const deletion = async (by = limits) => batches(async (past) => storage.posts.deleteByAuthor(author, by, past));

      it("is limited by rows, and the next batch continues after it", async () => {
        for (let i = 0; i < 8; i++) await stored(i % 2 === 0 ? aDraft(author) : aPublishedPost(author));
        const kept = await stored(aDraft(otherAuthor));
        expect(await deletion()).toEqual([5, 2, 0]);
        expect((await page(10)).items).toEqual([kept]);
      });

      it("ends with the post that reaches the maximum of bytes, and contains at least one post", async () => {
        for (let i = 0; i < 4; i++) await ofBytes(MIB / 2);
        await ofBytes(MIB);
        expect(await deletion({ rows: 10, bytes: MIB })).toEqual([3, 1, 0]);
        for (let i = 0; i < 2; i++) await ofBytes(MIB);
        expect(await deletion({ rows: 10, bytes: 1 })).toEqual([1, 0]);
      });

      it("ends with the post that brings it exactly to its bytes", async () => {
        const posts = [];
        for (let i = 0; i < 3; i++) posts.push(await stored(aDraft(author)));
        const bytes = posts.slice(1).reduce((sum, post) => sum + storedPostBytes(post), 0);
        expect(await deletion({ rows: 10, bytes })).toEqual([1, 0]);
      });

      it("has the same limits in reassign, which reassigns each post once", async () => {
        const posts = [];
        for (let i = 0; i < 8; i++) posts.push(await stored(i % 2 === 0 ? aDraft(author) : aPublishedPost(author)));
        const give = async (past: BatchCursor | null) =>
          storage.posts.reassign(author, otherAuthor, LATER, limits, past) as ReturnType<
            Storage["posts"]["deleteByAuthor"]
          >;
        expect(await batches(give)).toEqual([5, 2, 0]);
        for (const { id, version } of posts)
          expect(await found(id)).toMatchObject({ authorId: otherAuthor, version: nextVersion(version) });
      });
    });

    describe("reassign", () => {
      it("increments the version and sets updatedAt of every post, and changes no other field but the author", async () => {
        const draft = await stored(aDraft(author));
        const published = await stored(publishPost(aDraft(author), NOW)._unsafeUnwrap());
        expect((await storage.posts.reassign(author, otherAuthor, LATER, ANY_BATCH, null)).isOk()).toBe(true);
        for (const post of [draft, published]) {
          const given = { ...post, authorId: otherAuthor, version: nextVersion(post.version), updatedAt: LATER };
          expect(await found(post.id)).toEqual(given);
        }
      });

      it("does not change the posts that the new author already has", async () => {
        await stored(aDraft(author));
        const own = await stored(aDraft(otherAuthor));
        (await storage.posts.reassign(author, otherAuthor, LATER, ANY_BATCH, null))._unsafeUnwrap();
        expect(await found(own.id)).toEqual(own);
      });

      it("rejects an unknown new author, and keeps the posts unchanged", async () => {
        const posts = [await stored(aDraft(author)), await stored(aDraft(author))];
        const result = await storage.posts.reassign(author, nextId<UserId>(), LATER, ANY_BATCH, null);
        expect(result._unsafeUnwrapErr()).toEqual({ kind: "author_not_found" });
        expect((await page(10)).items).toEqual(posts.toReversed());
      });

      it("succeeds for an unknown new author when there are no posts to reassign", async () => {
        expect((await storage.posts.reassign(author, nextId<UserId>(), LATER, ANY_BATCH, null)).isOk()).toBe(true);
      });

      it("does not share the Date object with the caller", async () => {
        const post = await stored(aDraft(author));
        const now = new Date(LATER);
        (await storage.posts.reassign(author, otherAuthor, now, ANY_BATCH, null))._unsafeUnwrap();
        now.setTime(0);
        expect((await found(post.id)).updatedAt).toEqual(LATER);
      });

      it("allows the deletion of an author whose posts were reassigned", async () => {
        await stored(aDraft(author));
        (await storage.posts.reassign(author, otherAuthor, LATER, ANY_BATCH, null))._unsafeUnwrap();
        expect((await storage.users.delete(author, FIRST_VERSION)).isOk()).toBe(true);
      });
    });
  });
}
