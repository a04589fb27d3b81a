import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import { openQuire, outage, OUTAGE, storedPublishedPost } from "./support.ts";

describe("includeAuthor and includeAuthors", () => {
  it("both return the post with its author", async () => {
    const quire = await openQuire();
    const post = await storedPublishedPost(quire, quire.author);
    const { id, name } = quire.author;
    expect((await quire.app.includeAuthor(post))._unsafeUnwrap().author).toMatchObject({ id, name });
    const page = (
      await quire.app.includeAuthors({ items: [post], next: null, previous: null, total: null })
    )._unsafeUnwrap();
    expect(page.items[0]?.author).toMatchObject({ id, name });
  });

  it("both return null for an author who was deleted in the meantime", async () => {
    const notFound = err({ kind: "user_not_found" } as const);
    const quire = await openQuire({ users: () => ({ findById: async () => notFound }) });
    const post = await storedPublishedPost(quire, quire.author);
    expect(await quire.app.includeAuthor(post)).toEqual(ok({ ...post, author: null }));
    const page = (
      await quire.app.includeAuthors({ items: [post], next: null, previous: null, total: null })
    )._unsafeUnwrap();
    expect(page.items[0]?.author).toBeNull();
  });

  it("both return a failure of the storage", async () => {
    const quire = await openQuire({ users: () => ({ findById: outage }) });
    const post = await storedPublishedPost(quire, quire.author);
    expect(await quire.app.includeAuthor(post)).toEqual(err(OUTAGE));
    expect(await quire.app.includeAuthors({ items: [post], next: null, previous: null, total: null })).toEqual(
      err(OUTAGE),
    );
  });
});
