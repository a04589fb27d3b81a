import { err } from "neverthrow";
import { describe, expect, it } from "vitest";
import { ANY_BATCH } from "../../../src/testing/fixtures.ts";
import { openQuire, outage, OUTAGE, storedDraft, storedPublishedPost } from "./support.ts";

describe("findAuthors", () => {
  it("reads the author of several posts once", async () => {
    let reads = 0;
    const quire = await openQuire({
      users: (real) => ({
        findById: async (id) => {
          reads++;
          return real.findById(id);
        },
      }),
    });
    const { app, author } = quire;
    const posts = [await storedDraft(quire, author), await storedPublishedPost(quire, author)];
    const authors = (await app.findAuthors(posts))._unsafeUnwrap();
    expect([...authors.keys()]).toEqual([author.id]);
    expect(authors.get(author.id)?.name).toBe(author.name);
    expect(reads).toBe(1);
  });

  it("leaves out an author who was deleted after the posts were read", async () => {
    const quire = await openQuire();
    const post = await storedPublishedPost(quire, quire.author);
    await quire.storage.posts.deleteByAuthor(quire.author.id, ANY_BATCH, null);
    (await quire.storage.users.delete(quire.author.id, quire.author.version))._unsafeUnwrap();
    expect((await quire.app.findAuthors([post]))._unsafeUnwrap().size).toBe(0);
  });

  it("returns a failure of the storage", async () => {
    const quire = await openQuire({ users: () => ({ findById: outage }) });
    const post = await storedPublishedPost(quire, quire.author);
    expect(await quire.app.findAuthors([post])).toEqual(err(OUTAGE));
  });
});
