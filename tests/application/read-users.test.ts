import { describe, expect, it } from "vitest";
import type { UserId } from "../../src/domain/id.ts";
import { actorFor, nextId } from "../support/fixtures.ts";
import { openQuire, pagesOfTwo, WHOLE_LIST } from "./support.ts";

describe("getUser", () => {
  it.each(["author", "admin"] as const)("shows the address to the %s", async (who) => {
    const quire = await openQuire();
    const { passwordHash: _, ...profile } = quire.author;
    const shown = (await quire.app.getUser(actorFor(quire[who]), quire.author.id))._unsafeUnwrap();
    expect(shown).toStrictEqual(profile);
  });

  it.each(["nobody", "otherAuthor"] as const)("shows everything but the address to %s", async (who) => {
    const quire = await openQuire();
    const { passwordHash: _, ...profile } = quire.author;
    const viewer = who === "nobody" ? null : actorFor(quire[who]);
    const shown = (await quire.app.getUser(viewer, quire.author.id))._unsafeUnwrap();
    expect(shown).toStrictEqual({ ...profile, email: null });
  });

  it("finds no user who is not there", async () => {
    const { app, admin } = await openQuire();
    const missing = await app.getUser(actorFor(admin), nextId<UserId>());
    expect(missing._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
  });
});

describe("listUsers", () => {
  it("shows nobody an address or a hash", async () => {
    const { app, author, otherAuthor, admin } = await openQuire();
    const { items, next } = (await app.listUsers(null, WHOLE_LIST))._unsafeUnwrap();
    expect(items.map(({ id }) => id)).toEqual([admin.id, otherAuthor.id, author.id]);
    for (const item of items) {
      expect(item.email).toBeNull();
      expect(item).not.toHaveProperty("passwordHash");
    }
    expect(next).toBeNull();
  });

  it("shows authors their own address alone", async () => {
    const { app, author } = await openQuire();
    const { items } = (await app.listUsers(actorFor(author), WHOLE_LIST))._unsafeUnwrap();
    expect(items.map((item) => item.email)).toEqual([null, null, author.email]);
  });

  it("shows admins every address and no hash", async () => {
    const { app, author, otherAuthor, admin } = await openQuire();
    const { items } = (await app.listUsers(actorFor(admin), WHOLE_LIST))._unsafeUnwrap();
    expect(items.map((item) => item.email)).toEqual([admin.email, otherAuthor.email, author.email]);
    for (const item of items) expect(item).not.toHaveProperty("passwordHash");
  });

  it("gives every user once, newest first, page by page", async () => {
    const { app, author, otherAuthor, admin } = await openQuire();
    const pages = await pagesOfTwo<UserId, { readonly id: UserId }>(async (page) => app.listUsers(null, page));
    expect(pages.map((page) => page.map(({ id }) => id))).toEqual([[admin.id, otherAuthor.id], [author.id]]);
  });
});
