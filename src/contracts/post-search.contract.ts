import { array, assert, asyncProperty, constantFrom, oneof, string } from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PostId, UserId } from "../domain/shared/id.ts";
import type { PageRequest } from "../domain/shared/page.ts";
import { MAX_CONTENT_BYTES } from "../domain/post/post.ts";
import type { PostFilter, PostPageRequest } from "../domain/post/post-list.ts";
import type { FoundPost, SearchPage } from "../domain/search/found-post.ts";
import { isRankKey, rankKey } from "../domain/search/ranking.ts";
import { parseSearchQuery } from "../domain/search/search-query.ts";
import { aDraft, aPublishedPost, aUser, EVERY_POST, postsOf, PUBLISHED_POSTS } from "../testing/fixtures.ts";
import type { Storage } from "../application/ports/storage.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";

const MIB = 1_048_576;
const FIRST = { limit: 100, from: null };

export function postSearchContract(adapter: StorageUnderTest): void {
  describe(`PostRepository.search on ${adapter.name}`, () => {
    let opened: Awaited<ReturnType<StorageUnderTest["open"]>>;
    let storage: Storage;
    let author: UserId;
    let otherAuthor: UserId;

    beforeAll(async () => {
      opened = await adapter.open();
    });
    beforeEach(async () => {
      storage = await opened.empty();
      const users = [aUser(), aUser()] as const;
      for (const user of users) (await storage.users.insert(user))._unsafeUnwrap();
      [author, otherAuthor] = [users[0].id, users[1].id];
    });
    afterAll(async () => opened.close());

    const publish = async (title: string, content = "Nothing of it", by = author) => {
      const post = aPublishedPost(by, { title, content });
      (await storage.posts.insert(post))._unsafeUnwrap();
      return post;
    };
    const search = async (query: string, filter: PostFilter = EVERY_POST, page: PostPageRequest = FIRST) =>
      (await storage.posts.search(filter, parseSearchQuery(query)._unsafeUnwrap(), page))._unsafeUnwrap();
    const titles = async (query: string, filter?: PostFilter) =>
      (await search(query, filter)).items.map(({ title }) => title as string);
    const excerpt = async (query: string) =>
      (await search(query)).items[0]?.excerpt.map(({ text, isMatch }) => (isMatch ? `[${text}]` : text)).join("");

    it("returns the whole post, with a rank", async () => {
      const post = await publish("The engine", "Note G");
      const [found] = (await search("engine")).items;
      expect(found).toEqual({ ...post, rank: expect.any(Number), excerpt: [{ text: "Note G", isMatch: false }] });
      expect(isRankKey(rankKey(found as FoundPost))).toBe(true);
    });

    it.each([
      ["engine", ["Engine", "Content"]],
      ["ENGINE", ["Engine", "Content"]],
      ["cafe", ["Café"]],
      ["café", ["Café"]],
      ["engine café", []],
      ["engine or café", ["Engine", "Café", "Content"]],
      ["engine -café", ["Engine", "Content"]],
      ["-engine -nothing", ["Others"]],
      ["--engine -nothing", ["Content"]],
      ["-café engine", ["Engine", "Content"]],
      ['engine -"analytical engine"', ["Engine"]],
      ["engine or", []],
      ["or engine", []],
      ["eng", ["Engine", "Content"]],
      ["e", []],
      ["eng brass", []],
      ["brass engin", ["Content"]],
      ['"analytical engin"', []],
      ["- engine", ["Engine", "Content"]],
      [`${"- ".repeat(96)}engine`, ["Engine", "Content"]],
      [`engine ${"-".repeat(193)}`, ["Engine", "Content"]],
      ['"analytical engine"', ["Content"]],
      ['"engine analytical"', []],
      ['analytical "engine', ["Content"]],
      ["analytical & engine | ( !", ["Content"]],
      ["xyzzy", []],
      ["'; drop table posts; --", []],
      ["\\ % _ :* <-> '' engine", ["Engine", "Content"]],
      ["<engine>", ["Engine", "Content"]],
      ["less", ["Others"]],
      ["greater", ["Others"]],
      ["or", []],
    ])("finds by %s in any case and with or without accents: %j", async (query, expected) => {
      await publish("Engine");
      await publish("Café");
      await publish("Content", "An analytical engine, of brass");
      await publish("Others", "Quite something<less&greater>");
      expect((await titles(query)).toSorted()).toEqual([...expected].toSorted());
    });

    it.each([
      ["postgersql", ["PostgreSQL performance"]],
      ["postgers", []],
      ["gradens", ["Gardens of Mars"]],
      ["hardens", []],
      ["msra", []],
      ["Nothign", ["Gardens of Mars", "PostgreSQL performance"]],
      ["performnce postgresql", ["PostgreSQL performance"]],
      ["Pérformence", ["PostgreSQL performance"]],
      ["psotgresql nothign", ["PostgreSQL performance"]],
      ["performnce garden", []],
      ['"performnce"', []],
      ["performnce -garden", []],
      ["performnce or postgersql", []],
      ["performnce OR postgersql", []],
    ])("finds by %s, which has a typo: %j", async (query, expected) => {
      await publish("PostgreSQL performance");
      await publish("Gardens of Mars");
      expect(await titles(query)).toEqual(expected);
    });

    it("ranks the title before the content, exact words before beginnings, rare words before common ones, then newest", async () => {
      await publish("Older", "On performance");
      await publish("Newer", "On performance");
      await publish("Beginning", "On performances");
      await publish("Performances");
      await publish("Performance");
      expect(await titles("performance")).toEqual(["Performance", "Performances", "Newer", "Older", "Beginning"]);
      await publish("Rare", "A zeppelin");
      expect(await titles("on or zeppelin")).toEqual(["Rare", "Beginning", "Newer", "Older"]);
    });

    it("finds a typo only if no visible post has the words", async () => {
      await publish("Performance");
      expect(await titles("perfarmance")).toEqual(["Performance"]);
      await publish("Other", "Perfarmance");
      expect(await titles("perfarmance")).toEqual(["Other"]);
    });

    it("applies the filter to matches and to similar words", async () => {
      await publish("Engine of one");
      for (const by of [author, otherAuthor]) {
        (await storage.posts.insert(aDraft(by, { title: `Engine, a draft of ${by}` })))._unsafeUnwrap();
        await publish(`Engine by ${by}`, "Text", by);
      }
      const visible = async (query: string, filter: PostFilter) =>
        (await search(query, filter)).items.map(({ status, authorId }) => `${status} ${authorId}`).toSorted();
      const [mine, others] = [`published ${author}`, `published ${otherAuthor}`];
      for (const query of ["engine", "engina", "-xyzzy"]) {
        expect(await visible(query, PUBLISHED_POSTS)).toEqual([mine, mine, others].toSorted());
        expect(await visible(query, postsOf(otherAuthor))).toEqual([`draft ${otherAuthor}`, others].toSorted());
        const own = { ...PUBLISHED_POSTS, drafts: { authorId: author } };
        expect(await visible(query, own)).toEqual([`draft ${author}`, mine, mine, others].toSorted());
        expect(await visible(query, { published: null, drafts: null })).toEqual([]);
      }
    });

    it("finds the current text of an edited post, and no deleted post", async () => {
      const post = await publish("Engine");
      const edited = { ...post, title: aDraft(author, { title: "Garden" }).title };
      (await storage.posts.update(edited, post.version))._unsafeUnwrap();
      expect([await titles("engine"), await titles("garden")]).toEqual([[], ["Garden"]]);
      (await storage.posts.delete(post.id, post.version))._unsafeUnwrap();
      expect(await titles("garden")).toEqual([]);
    });

    it("marks the matches in the content, and ignores markers that the content contains", async () => {
      await publish("T", "A \u0001brass\u0002 engine <mark>of</mark> steam, and Engine again");
      const found = await excerpt("ENGINE");
      expect(found).toContain("[engine]");
      expect(found).toContain("[Engine]");
      expect(found).toContain("<mark>of</mark> steam");
      expect(found).not.toMatch(/\[brass|\[of/);
    });

    it("paginates by rank forward and backward in pages of every size", async () => {
      for (let n = 0; n < 7; n++) await publish(n % 2 === 0 ? "Engine" : "Other", "engine ".repeat(1 + (n % 3)));
      const all = (await search("engine")).items;
      expect(all).toHaveLength(7);
      const places = all.map((post) => `${rankKey(post)} ${post.id}`);
      expect(places).toEqual(places.toSorted().toReversed());
      for (const limit of [1, 2, 3, 6, 7]) {
        const seen: FoundPost[] = [];
        let page = await search("engine", EVERY_POST, { limit, from: null });
        expect(page.previous).toBeNull();
        for (;;) {
          seen.push(...page.items);
          if (page.next === null) break;
          page = await search("engine", EVERY_POST, { limit, from: page.next });
        }
        expect(seen).toEqual(all);
        const back = page.items.toReversed();
        while (page.previous !== null) {
          page = await search("engine", EVERY_POST, { limit, from: page.previous });
          back.push(...page.items.toReversed());
        }
        expect(back.toReversed()).toEqual(all);
      }
    });

    it("returns the number of matches with every page, empty pages included", async () => {
      for (let n = 0; n < 3; n++) await publish("Engine");
      await publish("Other");
      const counted = async (query: string, from: PageRequest<PostId>["from"] = null) => {
        const { items, total } = await search(query, EVERY_POST, { limit: 2, from, isCounted: true });
        return [items.length, total];
      };
      expect(await counted("engine")).toEqual([2, 3]);
      expect(await counted("xyzzy")).toEqual([0, 0]);
      expect((await search("engine")).total).toBeNull();
      const last = (await search("engine")).items.at(-1) as FoundPost;
      expect(await counted("engine", { direction: "forward", key: rankKey(last), id: last.id })).toEqual([0, 3]);
    });

    it("counts up to 1,000 matches, and reports that a larger total is not exact", async () => {
      for (let n = 0; n < 1_001; n++) await publish("Engine");
      const last = (await search("engine", EVERY_POST, { limit: 1, from: null, isCounted: true })).items[0];
      const counted = async () => {
        const { total, totalIsExact, isComplete } = await search("engine", EVERY_POST, { ...FIRST, isCounted: true });
        return { total, totalIsExact, isComplete };
      };
      expect(await counted()).toEqual({ total: 1_000, totalIsExact: false, isComplete: true });
      (await storage.posts.delete(last?.id as PostId, last?.version as FoundPost["version"]))._unsafeUnwrap();
      expect(await counted()).toEqual({ total: 1_000, totalIsExact: true, isComplete: true });
    });

    it("finds a title below more newer posts with the word in their content than a pass keeps", async () => {
      await publish("Engine");
      for (let n = 0; n < 201; n++) await publish("Other", "An engine");
      const { items } = await search("engine");
      expect(items[0]?.title).toBe("Engine");
      expect(items).toHaveLength(100);
    });

    it("ranks the newest 200 posts with two words, and the newest 200 with both in the title", async () => {
      for (let n = 0; n < 198; n++) await publish("Steam engine", String(n));
      for (let n = 0; n < 201; n++) await publish("Other", "A steam engine");
      for (let n = 0; n < 3; n++) await publish("Steam engine", "newest");
      const found: FoundPost[] = [];
      let from: PostPageRequest["from"] = null;
      do {
        const page: SearchPage = await search("steam engine", EVERY_POST, { limit: 100, from });
        found.push(...page.items);
        from = page.next;
      } while (from !== null);
      expect(found.filter(({ title }) => (title as string) === "Other")).toHaveLength(197);
      const older = found.flatMap(({ content }) => (/^\d+$/.test(content) ? [Number(content)] : []));
      expect(older.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 197 }, (_, n) => n + 1));
      expect(found.filter(({ content }) => (content as string) === "newest")).toHaveLength(3);
    });

    it("limits a page to 1 MiB of JSON after its first post, excerpts included", async () => {
      for (let i = 0; i < 6; i++) await publish("Engine", `engine ${'x" '.repeat(MIB / 16)}`);
      const first = await search("engine");
      expect(first.items).toHaveLength(4);
      expect(Buffer.byteLength(JSON.stringify(first.items.slice(1)))).toBeLessThanOrEqual(MIB);
      const second = await search("engine", EVERY_POST, { limit: 100, from: first.next });
      expect(second.items).toHaveLength(2);
      expect(second.next).toBeNull();
    });

    it("accepts every query", { timeout: 60_000 }, async () => {
      const text = string({ unit: "binary", maxLength: 200 }).filter((raw) => parseSearchQuery(raw).isOk());
      const syntax = array(constantFrom("a", "engine", '"', "-", "or", " ", "'", "\\", "&", "<->", "!", ":*", "é"));
      const query = oneof(
        text,
        syntax.map((parts) => parts.join("")).filter((raw) => parseSearchQuery(raw).isOk()),
      );
      await publish("Engine");
      await assert(
        asyncProperty(query, async (raw) => {
          await search(raw);
        }),
        { numRuns: 100 },
      );
    });

    it.each([
      ["the maximum number of different words", (n: number) => `${letter(n)} `],
      [
        "the maximum number of different hyphenated words",
        (n: number) => `${letter(n)}${letter(n * 3)}-${letter(n * 7)}${letter(n * 5)} `,
      ],
      ["long hyphenated words", (n: number) => (n % 250 === 0 ? " " : n % 125 === 0 ? "-" : letter(n * 7))],
      ["ligatures and fractions", (n: number) => `ﬃ⅒㎮${n.toString(36)} `],
      ["addresses", (n: number) => `http://a.bc/${n.toString(36)}/${(n * 31).toString(36)}?q=${n} x${n}@example.org `],
      ["a single word", () => "x"],
    ])("stores content of the maximum size that is %s", async (_, part) => {
      let text = "";
      for (let n = 0, bytes = 0; ; n++) {
        const next = part(n);
        bytes += Buffer.byteLength(next);
        if (bytes > MAX_CONTENT_BYTES) break;
        text += next;
      }
      const post = await publish("Longest", text);
      const found = (await search("longest")).items;
      expect(found.map(({ id }) => id)).toEqual([post.id]);
      expect(found[0]?.content === text).toBe(true);
    });
  });
}

/** One of 40,000 letters of four bytes. */
function letter(n: number): string {
  return String.fromCodePoint(0x20000 + (n % 40_000));
}
