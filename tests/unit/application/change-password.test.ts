import { err } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { PasswordHashingFailed } from "../../../src/application/ports/password-hasher.ts";
import type { UserId } from "../../../src/domain/shared/id.ts";
import type { Password } from "../../../src/domain/user/password.ts";
import { changeUser } from "../../../src/domain/user/user.ts";
import { actorFor, LATER, name, nextId, password } from "../../../src/testing/fixtures.ts";
import {
  contentsOf,
  hashOf,
  openQuire,
  overtaken,
  PASSWORD,
  sessionsOf,
  signIn,
  type Quire,
  storedPublishedPost,
} from "./support.ts";

const NEW_PASSWORD = password("an even better horse");

const HASHING_FAILED: PasswordHashingFailed = { kind: "password_hashing_failed", cause: new Error("out of memory") };

/** A Quire in which the author is changed during the first hashing of the new password. */
async function overtakenQuire(change: Parameters<typeof changeUser>[1]): Promise<Quire> {
  const quire: Quire = await openQuire({
    hasher: (real) => ({
      hash: overtaken(
        async (fresh: Password) => real.hash(fresh),
        async () => {
          const changed = changeUser(quire.author, change, LATER);
          (await quire.storage.users.update(changed, quire.author.version))._unsafeUnwrap();
        },
      ),
    }),
  });
  return quire;
}

describe("changePassword", () => {
  it("lets users who give their current password log in with the new one only", async () => {
    const quire = await openQuire();
    const { app, author } = quire;
    const actor = await signIn(quire, author);
    const input = { id: author.id, currentPassword: PASSWORD, newPassword: NEW_PASSWORD, expected: null };
    (await app.changePassword(actor, input))._unsafeUnwrap();
    expect((await app.logIn({ email: author.email, password: NEW_PASSWORD }, null)).isOk()).toBe(true);
    expect((await app.logIn({ email: author.email, password: PASSWORD }, null))._unsafeUnwrapErr()).toEqual({
      kind: "invalid_credentials",
    });
  });

  it("increments the version of the user and changes no other field", async () => {
    const quire = await openQuire();
    const { app, author, clock, storage } = quire;
    clock.set(LATER);
    const input = { id: author.id, currentPassword: PASSWORD, newPassword: NEW_PASSWORD, expected: null };
    (await app.changePassword(actorFor(author), input))._unsafeUnwrap();
    expect((await storage.users.findById(author.id))._unsafeUnwrap()).toEqual({
      ...author,
      passwordHash: hashOf(NEW_PASSWORD, "current", 1),
      version: 2,
      updatedAt: LATER,
    });
  });

  it("accepts the current password in any Unicode composition", async () => {
    const { app, author } = await openQuire();
    const actor = actorFor(author);
    const first = { id: author.id, currentPassword: PASSWORD, newPassword: password("crème brûlée"), expected: null };
    (await app.changePassword(actor, first))._unsafeUnwrap();
    const second = { ...first, currentPassword: "crème brûlée".normalize("NFD"), newPassword: NEW_PASSWORD };
    expect((await app.changePassword(actor, second)).isOk()).toBe(true);
  });

  it("accepts the current password when the stored hash is outdated", async () => {
    const { app, author, storage } = await openQuire();
    const outdated = hashOf(PASSWORD, "outdated");
    (await storage.users.upgradePasswordHash(author.id, author.passwordHash, outdated))._unsafeUnwrap();
    const input = { id: author.id, currentPassword: PASSWORD, newPassword: NEW_PASSWORD, expected: null };
    (await app.changePassword(actorFor(author), input))._unsafeUnwrap();
    expect((await app.logIn({ email: author.email, password: NEW_PASSWORD }, null)).isOk()).toBe(true);
  });

  it("revokes the user's other sessions, and neither the current one nor a session of another user", async () => {
    const quire = await openQuire();
    const { app, author, otherAuthor } = quire;
    await signIn(quire, author);
    const actor = await signIn(quire, author);
    await signIn(quire, author);
    const stranger = await signIn(quire, otherAuthor);
    const input = { id: author.id, currentPassword: PASSWORD, newPassword: NEW_PASSWORD, expected: null };
    (await app.changePassword(actor, input))._unsafeUnwrap();
    expect((await sessionsOf(quire, author)).map(({ id }) => id)).toEqual([actor.sessionId]);
    expect((await sessionsOf(quire, otherAuthor)).map(({ id }) => id)).toEqual([stranger.sessionId]);
  });

  it.each([
    ["no password", null, "current_password_required"],
    ["another password", "not the right one", "wrong_password"],
    ["the password with a space after it", `${PASSWORD} `, "wrong_password"],
    ["an empty password", "", "wrong_password"],
    ["a text that is too short for a password", "short", "wrong_password"],
    ["a text that is too long for a password", "a".repeat(1_025), "wrong_password"],
    ["a text with a NUL", `${PASSWORD}\0`, "wrong_password"],
  ])("changes nothing for a user who gives %s", async (_case, currentPassword, kind) => {
    const quire = await openQuire();
    const actor = await signIn(quire, quire.author);
    await signIn(quire, quire.author);
    const before = await contentsOf(quire);
    const given = currentPassword === null ? {} : { currentPassword };
    const input = { id: quire.author.id, ...given, newPassword: NEW_PASSWORD, expected: null };
    const refused = await quire.app.changePassword(actor, input);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("lets an admin change another user's password without the current one, and revokes all sessions of that user", async () => {
    const quire = await openQuire();
    const { app, author, admin } = quire;
    await signIn(quire, author);
    await signIn(quire, author);
    const actor = await signIn(quire, admin);
    (await app.changePassword(actor, { id: author.id, newPassword: NEW_PASSWORD, expected: null }))._unsafeUnwrap();
    expect(await sessionsOf(quire, author)).toEqual([]);
    expect((await sessionsOf(quire, admin)).map(({ id }) => id)).toEqual([actor.sessionId]);
    expect((await app.logIn({ email: author.email, password: NEW_PASSWORD }, null)).isOk()).toBe(true);
  });

  it("requires the current password from admins who change their own password", async () => {
    const { app, admin } = await openQuire();
    const input = { id: admin.id, newPassword: NEW_PASSWORD, expected: null };
    const refused = await app.changePassword(actorFor(admin), input);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "current_password_required" });
  });

  it.each(["otherAuthor", "admin"] as const)("forbids an author to change the password of the %s", async (who) => {
    const quire = await openQuire();
    await storedPublishedPost(quire, quire[who]);
    const before = await contentsOf(quire);
    const input = { id: quire[who].id, currentPassword: PASSWORD, newPassword: NEW_PASSWORD, expected: null };
    const refused = await quire.app.changePassword(actorFor(quire.author), input);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "forbidden" });
    expect(quire.hasher.compared).toEqual([]);
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("fails with user_not_found for an unknown user", async () => {
    const { app, admin } = await openQuire();
    const input = { id: nextId<UserId>(), newPassword: NEW_PASSWORD, expected: null };
    expect((await app.changePassword(actorFor(admin), input))._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
  });

  it.each(["hash", "verify"] as const)("changes nothing when the hasher cannot %s", async (method) => {
    const quire = await openQuire({ hasher: () => ({ [method]: async () => err(HASHING_FAILED) }) });
    await signIn(quire, quire.author);
    const before = await contentsOf(quire);
    const input = { id: quire.author.id, currentPassword: PASSWORD, newPassword: NEW_PASSWORD, expected: null };
    const refused = await quire.app.changePassword(actorFor(quire.author), input);
    expect(refused._unsafeUnwrapErr()).toBe(HASHING_FAILED);
    expect(await contentsOf(quire)).toEqual(before);
  });

  describe("when the user is changed between reading and writing", () => {
    it("changes the password on top of another change", async () => {
      const quire = await overtakenQuire({ name: name("Grace") });
      const input = { id: quire.author.id, currentPassword: PASSWORD, newPassword: NEW_PASSWORD, expected: null };
      (await quire.app.changePassword(actorFor(quire.author), input))._unsafeUnwrap();
      const stored = (await quire.storage.users.findById(quire.author.id))._unsafeUnwrap();
      expect(stored).toMatchObject({ name: "Grace", version: 3 });
      expect(stored.passwordHash).toContain(NEW_PASSWORD);
    });

    it("rejects the old password after another request has replaced it", async () => {
      const quire = await overtakenQuire({ passwordHash: hashOf("given by the admin") });
      const actor = await signIn(quire, quire.author);
      await signIn(quire, quire.author);
      const input = { id: quire.author.id, currentPassword: PASSWORD, newPassword: NEW_PASSWORD, expected: null };
      const refused = await quire.app.changePassword(actor, input);
      expect(refused._unsafeUnwrapErr()).toEqual({ kind: "wrong_password" });
      const stored = (await quire.storage.users.findById(quire.author.id))._unsafeUnwrap();
      expect(stored.passwordHash).toBe(hashOf("given by the admin"));
      expect(await sessionsOf(quire, quire.author)).toHaveLength(2);
    });
  });

  it("returns email_taken when the store does", async () => {
    const { app, author } = await openQuire({ users: () => ({ update: async () => err({ kind: "email_taken" }) }) });
    const input = { id: author.id, currentPassword: PASSWORD, newPassword: NEW_PASSWORD, expected: null };
    expect((await app.changePassword(actorFor(author), input))._unsafeUnwrapErr()).toEqual({ kind: "email_taken" });
  });
});
