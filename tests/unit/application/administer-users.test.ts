import { describe, expect, it } from "vitest";
import { administerUsers } from "../../../src/application/users/administer-users.ts";
import { email, nextId, password } from "../../../src/testing/fixtures.ts";
import type { UserId } from "../../../src/domain/shared/id.ts";
import { contentsOf, openQuire, pagesOfTwo, PASSWORD, sessionsOf, signIn } from "./support.ts";

const NEW_PASSWORD = password("another secret of theirs");

async function operated() {
  const quire = await openQuire();
  return { quire, operator: administerUsers({ ...quire.storage, hasher: quire.hasher, clock: quire.clock }) };
}

describe("the operator of the server", () => {
  it("lists every user with the address, newest first, over several pages", async () => {
    const { quire, operator } = await operated();
    const pages = await pagesOfTwo(operator.listUsers);
    const { author, otherAuthor, admin } = quire;
    const newestFirst = [admin, otherAuthor, author].map(({ id, email: address }) => ({ id, email: address }));
    expect(pages.map((page) => page.length)).toEqual([2, 1]);
    expect(pages.flat()).toMatchObject(newestFirst);
    expect(JSON.stringify(pages)).not.toContain("passwordHash");
  });

  it("finds a user by id, and by the address in any case", async () => {
    const { quire, operator } = await operated();
    const { author } = quire;
    const byEmail = await operator.findUser({ email: email(author.email.toUpperCase()) });
    const byId = await operator.findUser({ id: author.id });
    expect([byEmail._unsafeUnwrap().id, byId._unsafeUnwrap().id]).toEqual([author.id, author.id]);
    const nobody = [
      await operator.findUser({ email: email("no@example.org") }),
      await operator.findUser({ id: nextId<UserId>() }),
    ];
    expect(nobody.map((found) => found._unsafeUnwrapErr().kind)).toEqual(["user_not_found", "user_not_found"]);
  });

  it("changes a password without the current one, and revokes every session of that user only", async () => {
    const { quire, operator } = await operated();
    const { app, author, otherAuthor } = quire;
    await signIn(quire, author);
    await signIn(quire, author);
    await signIn(quire, otherAuthor);
    (await operator.setPassword(author.id, NEW_PASSWORD))._unsafeUnwrap();
    expect([await sessionsOf(quire, author), await sessionsOf(quire, otherAuthor)].map(({ length }) => length)).toEqual(
      [0, 1],
    );
    const logIns = [PASSWORD, NEW_PASSWORD].map(async (each) =>
      app.logIn({ email: author.email, password: each }, null),
    );
    expect((await Promise.all(logIns)).map((result) => result.isOk())).toEqual([false, true]);
  });

  it("also changes the password of an admin", async () => {
    const { quire, operator } = await operated();
    expect((await operator.setPassword(quire.admin.id, NEW_PASSWORD)).isOk()).toBe(true);
  });

  it("promotes an author to admin, and changes nothing when the role is set again", async () => {
    const { quire, operator } = await operated();
    const { author } = quire;
    const first = (await operator.setRole(author.id, "admin"))._unsafeUnwrap();
    expect(first).toMatchObject({ id: author.id, email: author.email, role: "admin", version: 2 });
    const before = await contentsOf(quire);
    expect((await operator.setRole(author.id, "admin"))._unsafeUnwrap().version).toBe(2);
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("fails with user_not_found for an unknown user", async () => {
    const { quire, operator } = await operated();
    const before = await contentsOf(quire);
    const id = nextId<UserId>();
    const refused = [await operator.setPassword(id, NEW_PASSWORD), await operator.setRole(id, "admin")];
    expect(refused.map((result) => result._unsafeUnwrapErr().kind)).toEqual(["user_not_found", "user_not_found"]);
    expect(await contentsOf(quire)).toEqual(before);
  });
});
