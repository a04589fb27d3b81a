import { beforeEach, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import type { PostId, UserId } from "../domain/shared/id.ts";
import type { PageCursor } from "../domain/shared/page.ts";
import { editPost, type Post } from "../domain/post/post.ts";
import { ANY_BATCH, aPublishedPost, aRecord, aUser, EVERY_POST, LATER, postsOf, title } from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";

const WRITTEN = ["Banana", "Post 10", "Post 9", "Zebra", "apple", "zoo", "Äpfel", "Öl", "éclair"];
const IN_ORDER = ["Äpfel", "apple", "Banana", "éclair", "Öl", "Post 9", "Post 10", "Zebra", "zoo"];

/** The order by title, after every operation that writes a title. */
export function postTitlesContract(adapter: StorageUnderTest): void {
  describe(`PostRepository.list by title on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter);
    let storage: Storage;
    let author: UserId;
    let other: UserId;

    beforeEach(async () => {
      storage = await emptied();
      const users = [aUser(), aUser()] as const;
      for (const user of users) (await storage.users.insert(user))._unsafeUnwrap();
      [author, other] = [users[0].id, users[1].id];
    });

    async function write(titles: readonly string[], authorId = author): Promise<Post[]> {
      const posts = titles.map((each) => aPublishedPost(authorId, { title: each }));
      for (const post of posts) (await storage.posts.insert(post))._unsafeUnwrap();
      return posts;
    }

    async function pages(limit: number, descending = false, filter = EVERY_POST) {
      const seen: (readonly Post[])[] = [];
      let from: PageCursor<PostId> | null = null;
      do {
        const page = await storage.posts.list(filter, { by: "title", descending }, { limit, from });
        const { items, next } = page._unsafeUnwrap();
        seen.push(items);
        from = next;
      } while (from !== null);
      return seen.flat();
    }
    const titles = async (...args: Parameters<typeof pages>) => (await pages(...args)).map((post) => post.title);

    it.each([1, 2, 100])("orders titles as readers expect, in pages of %s, in both directions", async (limit) => {
      await write(WRITTEN);
      await write(["A of another"], other);
      const filter = postsOf(author);
      expect(await titles(limit, false, filter)).toEqual(IN_ORDER);
      expect(await titles(limit, true, filter)).toEqual(IN_ORDER.toReversed());
      expect(await titles(limit)).toEqual(["A of another", ...IN_ORDER]);
    });

    it("orders equal titles by id", async () => {
      const posts = await write(["resume", "Résumé", "RESUME", "résumé"]);
      expect(await pages(1)).toEqual(posts);
      expect(await pages(1, true)).toEqual(posts.toReversed());
    });

    it("returns each post once when the truncated keys of titles are equal", async () => {
      const posts = await write(["1 ", "\ufdfa", "\u{1F99C}"].flatMap((unit) => [unit, unit, unit].map(long)));
      expect(new Set((await pages(2)).map(({ id }) => id)).size).toBe(posts.length);
      expect(await pages(2, true)).toEqual((await pages(2)).toReversed());
    });

    it("orders a post that was inserted with a replay record", async () => {
      await write(["apple", "zoo"]);
      const post = aPublishedPost(author, { title: "Éclair" });
      (await storage.posts.insert({ post, record: aRecord(author) }))._unsafeUnwrap();
      expect(await titles(1)).toEqual(["apple", "Éclair", "zoo"]);
    });

    it("moves an edited post to its new position", async () => {
      const [apple] = (await write(["apple", "Öl", "zoo"])) as [Post, Post, Post];
      const edited = editPost(apple, { title: title("ÖLE") }, LATER)._unsafeUnwrap();
      (await storage.posts.update(edited, apple.version))._unsafeUnwrap();
      expect(await titles(1)).toEqual(["Öl", "ÖLE", "zoo"]);
    });

    it("keeps the order of reassigned posts", async () => {
      await write(WRITTEN);
      (await storage.posts.reassign(author, other, LATER, ANY_BATCH, null))._unsafeUnwrap();
      expect(await titles(2, false, postsOf(other))).toEqual(IN_ORDER);
    });
  });
}

/** A title of 300 characters that differs in its last one. */
function long(unit: string, last: number): string {
  return [...Array.from(unit.repeat(300)).slice(0, 299), last].join("");
}
