import { describe, expect, it } from "vitest";
import type { UserId } from "../../../src/domain/shared/id.ts";
import { changeUser, type User } from "../../../src/domain/user/user.ts";
import { FIRST_VERSION, nextVersion, type Version } from "../../../src/domain/shared/version.ts";
import { actorFor, email, LATER, name, nextId } from "../../../src/testing/fixtures.ts";
import {
  contentsOf,
  openQuire,
  overtaken,
  PASSWORD,
  sessionsOf,
  signIn,
  type Quire,
  storedPublishedPost,
} from "./support.ts";

const NEXT_VERSION = nextVersion(FIRST_VERSION);

const stored = async ({ storage }: Quire, id: UserId) => (await storage.users.findById(id))._unsafeUnwrap();

/** A Quire in which an admin promotes the author before the first update is written. */
async function overtakenQuire(): Promise<Quire> {
  const quire: Quire = await openQuire({
    users: (real) => ({
      update: overtaken(
        async (user: User, expected: Version) => real.update(user, expected),
        async () => {
          const promoted = changeUser(quire.author, { role: "admin" }, LATER);
          (await quire.storage.users.update(promoted, quire.author.version))._unsafeUnwrap();
        },
      ),
    }),
  });
  return quire;
}

describe("updateUser", () => {
  it("lets users change their name and address, and shows them the address", async () => {
    const quire = await openQuire();
    const { author } = quire;
    quire.clock.set(LATER);
    const changes = { name: name("Grace"), email: email("grace@example.org") };
    const updated = await quire.app.updateUser(actorFor(author), {
      id: author.id,
      changes,
      currentPassword: PASSWORD,
      expected: null,
    });
    const { passwordHash, ...profile } = { ...author, ...changes, version: NEXT_VERSION, updatedAt: LATER };
    expect(updated._unsafeUnwrap()).toStrictEqual(profile);
    expect(await stored(quire, author.id)).toEqual({ ...profile, passwordHash });
  });

  it("lets users change the case of their own address", async () => {
    const { app, author } = await openQuire();
    const changes = { email: email(author.email.toUpperCase()) };
    const updated = await app.updateUser(actorFor(author), {
      id: author.id,
      changes,
      currentPassword: PASSWORD,
      expected: null,
    });
    expect(updated._unsafeUnwrap().email).toBe(author.email.toUpperCase());
  });

  it("writes nothing when nothing changes", async () => {
    const quire = await openQuire();
    const { author } = quire;
    quire.clock.set(LATER);
    const before = await contentsOf(quire);
    const changes = { name: author.name };
    const updated = await quire.app.updateUser(actorFor(author), {
      id: author.id,
      changes,
      currentPassword: PASSWORD,
      expected: null,
    });
    expect(updated._unsafeUnwrap()).toMatchObject({ version: FIRST_VERSION, updatedAt: author.updatedAt });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("lets admins change everyone, also their roles", async () => {
    const quire = await openQuire();
    const changes = { name: name("Grace"), role: "admin" } as const;
    const input = { id: quire.author.id, changes, expected: null };
    const updated = (await quire.app.updateUser(actorFor(quire.admin), input))._unsafeUnwrap();
    expect(updated).toMatchObject({ ...changes, email: quire.author.email });
    expect(await stored(quire, quire.author.id)).toMatchObject(changes);
  });

  it.each([
    ["their own role", "author", { role: "admin" }],
    ["their own role to the current one", "author", { role: "author" }],
    ["their own role among other changes", "author", { name: name("Grace"), role: "admin" }],
    ["the name of another author", "otherAuthor", { name: name("Grace") }],
    ["the role of an admin", "admin", { role: "author" }],
    ["nothing of another author", "otherAuthor", {}],
  ] as const)("forbids authors to change %s", async (_case, who, changes) => {
    const quire = await openQuire();
    await storedPublishedPost(quire, quire[who]);
    const before = await contentsOf(quire);
    const input = { id: quire[who].id, changes, expected: null };
    const refused = await quire.app.updateUser(actorFor(quire.author), input);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "forbidden" });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("fails with user_not_found for an unknown user", async () => {
    const { app, admin } = await openQuire();
    const refused = await app.updateUser(actorFor(admin), { id: nextId<UserId>(), changes: {}, expected: null });
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
  });

  it("rejects an address of another user, in any case, and keeps the current one", async () => {
    const quire = await openQuire();
    const { app, author, otherAuthor } = quire;
    const changes = { email: email(otherAuthor.email.toUpperCase()) };
    const refused = await app.updateUser(actorFor(author), {
      id: author.id,
      changes,
      currentPassword: PASSWORD,
      expected: null,
    });
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "email_taken" });
    expect(await stored(quire, author.id)).toEqual(author);
  });

  it("changes a user at one of the expected versions", async () => {
    const { app, author } = await openQuire();
    const input = { id: author.id, changes: { name: name("Grace") }, expected: [NEXT_VERSION, FIRST_VERSION] };
    expect((await app.updateUser(actorFor(author), input)).isOk()).toBe(true);
  });

  it.each([
    ["another version", [NEXT_VERSION], { name: name("Grace") }],
    ["no version", [], { name: name("Grace") }],
    ["another version and nothing changes", [NEXT_VERSION], {}],
  ])("fails with precondition_failed when the user is expected at %s", async (_case, expected, changes) => {
    const quire = await openQuire();
    const { author } = quire;
    const refused = await quire.app.updateUser(actorFor(author), { id: author.id, changes, expected });
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "precondition_failed" });
    expect(await stored(quire, author.id)).toEqual(author);
  });

  it("returns forbidden before it compares versions", async () => {
    const quire = await openQuire();
    await storedPublishedPost(quire, quire.otherAuthor);
    const input = { id: quire.otherAuthor.id, changes: {}, expected: [NEXT_VERSION] };
    const refused = await quire.app.updateUser(actorFor(quire.author), input);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "forbidden" });
  });

  it("compares versions before it requires the password for another address", async () => {
    const { app, author } = await openQuire();
    const input = { id: author.id, changes: { email: email("grace@example.org") }, expected: [NEXT_VERSION] };
    const refused = await app.updateUser(actorFor(author), input);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "precondition_failed" });
  });

  it.each([
    [undefined, "current_password_required"],
    ["another horse battery", "wrong_password"],
    ["short", "wrong_password"],
  ] as const)("changes nothing when a user sets another address with the password %s", async (given, kind) => {
    const quire = await openQuire();
    const actor = await signIn(quire, quire.author);
    await signIn(quire, quire.author);
    const before = await contentsOf(quire);
    const changes = { name: name("Grace"), email: email("grace@example.org") };
    const proof = given === undefined ? {} : { currentPassword: given };
    const refused = await quire.app.updateUser(actor, { id: actor.userId, changes, ...proof, expected: null });
    expect(refused._unsafeUnwrapErr()).toEqual({ kind });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("requires no password when the address stays the same", async () => {
    const { app, author } = await openQuire();
    const changes = { name: name("Grace"), email: author.email };
    const updated = await app.updateUser(actorFor(author), { id: author.id, changes, expected: null });
    expect(updated._unsafeUnwrap()).toMatchObject({ name: "Grace", email: author.email });
  });

  it("revokes the user's other sessions on a change of the address, and none on another change", async () => {
    const quire = await openQuire();
    const { app, author } = quire;
    const actor = await signIn(quire, author);
    await signIn(quire, author);
    (await app.updateUser(actor, { id: author.id, changes: { name: name("Grace") }, expected: null }))._unsafeUnwrap();
    expect(await sessionsOf(quire, author)).toHaveLength(2);
    const changes = { email: email("grace@example.org") };
    const input = { id: author.id, changes, currentPassword: PASSWORD, expected: null };
    (await app.updateUser(actor, input))._unsafeUnwrap();
    expect((await sessionsOf(quire, author)).map(({ id }) => id)).toEqual([actor.sessionId]);
  });

  it("lets an admin change another user's address without a password, and revokes all sessions of that user", async () => {
    const quire = await openQuire();
    const { app, author, admin } = quire;
    await signIn(quire, author);
    const actor = await signIn(quire, admin);
    const changes = { email: email("grace@example.org") };
    (await app.updateUser(actor, { id: author.id, changes, expected: null }))._unsafeUnwrap();
    expect(await sessionsOf(quire, author)).toEqual([]);
    expect(await sessionsOf(quire, admin)).toHaveLength(1);
  });

  it("keeps the role of the last admin", async () => {
    const quire = await openQuire();
    const { app, admin } = quire;
    const input = { id: admin.id, changes: { role: "author" }, expected: null } as const;
    expect((await app.updateUser(actorFor(admin), input))._unsafeUnwrapErr()).toEqual({ kind: "last_admin" });
    expect(await stored(quire, admin.id)).toEqual(admin);
  });

  describe("when an admin changes the user between the read and the write", () => {
    it("applies the change on top of the other", async () => {
      const quire = await overtakenQuire();
      const { author } = quire;
      const input = { id: author.id, changes: { name: name("Grace") }, expected: null };
      const updated = (await quire.app.updateUser(actorFor(author), input))._unsafeUnwrap();
      expect(updated).toMatchObject({ name: "Grace", role: "admin", version: 3 });
      expect(await stored(quire, author.id)).toMatchObject({ name: "Grace", role: "admin", version: 3 });
    });

    it("fails with precondition_failed when the first version was expected", async () => {
      const quire = await overtakenQuire();
      const { author } = quire;
      const input = { id: author.id, changes: { name: name("Grace") }, expected: [author.version] };
      const refused = await quire.app.updateUser(actorFor(author), input);
      expect(refused._unsafeUnwrapErr()).toEqual({ kind: "precondition_failed" });
      expect(await stored(quire, author.id)).toMatchObject({ name: author.name, role: "admin", version: 2 });
    });
  });
});
