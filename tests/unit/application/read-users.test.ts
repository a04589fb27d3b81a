import { describe, expect, it } from "vitest";
import type { UserId } from "../../../src/domain/shared/id.ts";
import { actorFor, nextId } from "../../../src/testing/fixtures.ts";
import { openQuire, pagesOfTwo, storedDraft, storedPublishedPost, WHOLE_LIST } from "./support.ts";

/** Two users with a published post, and the other author with only a draft. */
async function openWithPublished() {
  const quire = await openQuire();
  await storedPublishedPost(quire, quire.author);
  await storedPublishedPost(quire, quire.admin);
  await storedDraft(quire, quire.otherAuthor);
  return quire;
}

describe("getUser", () => {
  it.each(["author", "admin"] as const)("shows the %s all fields except the password hash", async (who) => {
    const quire = await openQuire();
    const { passwordHash: _, ...profile } = quire.author;
    const shown = (await quire.app.getUser(actorFor(quire[who]), quire.author.id))._unsafeUnwrap();
    expect(shown).toStrictEqual(profile);
  });

  it.each(["nobody", "otherAuthor"] as const)("shows %s an author without the address and the role", async (who) => {
    const quire = await openWithPublished();
    const { passwordHash: _, ...profile } = quire.author;
    const viewer = who === "nobody" ? null : actorFor(quire[who]);
    const shown = (await quire.app.getUser(viewer, quire.author.id))._unsafeUnwrap();
    expect(shown).toStrictEqual({ ...profile, email: null, role: null });
  });

  it.each(["nobody", "author"] as const)("hides a user without a published post from %s", async (who) => {
    const quire = await openWithPublished();
    const viewer = who === "nobody" ? null : actorFor(quire[who]);
    const hidden = await quire.app.getUser(viewer, quire.otherAuthor.id);
    expect(hidden._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
  });

  it.each(["nobody", "admin"] as const)("fails with user_not_found for %s and an unknown user", async (who) => {
    const quire = await openQuire();
    const viewer = who === "nobody" ? null : actorFor(quire[who]);
    const missing = await quire.app.getUser(viewer, nextId<UserId>());
    expect(missing._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
  });

  it("runs the same queries for a hidden user as for an unknown one", async () => {
    const asked: string[] = [];
    const { app, otherAuthor } = await openQuire({
      users: (real) => ({
        findById: async (id) => {
          asked.push("users.findById");
          return real.findById(id);
        },
      }),
      posts: (real) => ({
        hasPublished: async (id) => {
          asked.push("posts.hasPublished");
          return real.hasPublished(id);
        },
      }),
    });
    for (const id of [otherAuthor.id, nextId<UserId>()]) {
      await app.getUser(null, id);
      expect(asked.splice(0)).toEqual(["users.findById", "posts.hasPublished"]);
    }
  });
});

describe("listUsers", () => {
  it.each(["nobody", "otherAuthor"] as const)("shows %s only the authors of published posts", async (who) => {
    const quire = await openWithPublished();
    const viewer = who === "nobody" ? null : actorFor(quire[who]);
    const { items, next } = (await quire.app.listUsers(viewer, WHOLE_LIST))._unsafeUnwrap();
    expect(items.map(({ id }) => id)).toEqual([quire.admin.id, quire.author.id]);
    for (const item of items) {
      expect(item).toMatchObject({ email: null, role: null });
      expect(item).not.toHaveProperty("passwordHash");
    }
    expect(next).toBeNull();
  });

  it("shows authors only their own address and role", async () => {
    const quire = await openWithPublished();
    const { items } = (await quire.app.listUsers(actorFor(quire.author), WHOLE_LIST))._unsafeUnwrap();
    expect(items.map(({ email, role }) => [email, role])).toEqual([
      [null, null],
      [quire.author.email, "author"],
    ]);
  });

  it("shows admins all users with their addresses and roles, and without password hashes", async () => {
    const { app, author, otherAuthor, admin } = await openWithPublished();
    const { items } = (await app.listUsers(actorFor(admin), WHOLE_LIST))._unsafeUnwrap();
    expect(items.map((item) => item.email)).toEqual([admin.email, otherAuthor.email, author.email]);
    expect(items.map((item) => item.role)).toEqual(["admin", "author", "author"]);
    for (const item of items) expect(item).not.toHaveProperty("passwordHash");
  });

  it("returns every user once, newest first, over several pages", async () => {
    const { app, author, otherAuthor, admin } = await openQuire();
    const pages = await pagesOfTwo<UserId, { readonly id: UserId }>(async (page) =>
      app.listUsers(actorFor(admin), page),
    );
    expect(pages.map((page) => page.map(({ id }) => id))).toEqual([[admin.id, otherAuthor.id], [author.id]]);
  });
});
