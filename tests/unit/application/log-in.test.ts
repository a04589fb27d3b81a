import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { PasswordHashingFailed } from "../../../src/application/ports/password-hasher.ts";
import type { Password, PasswordHash } from "../../../src/domain/user/password.ts";
import { MAX_SESSIONS_PER_USER } from "../../../src/domain/session/session-repository.ts";
import { changeUser } from "../../../src/domain/user/user.ts";
import { email, LATER, name, NOW } from "../../../src/testing/fixtures.ts";
import {
  contentsOf,
  hashOf,
  IDLE_MS,
  openQuire,
  overtaken,
  PASSWORD,
  sessionsOf,
  signIn,
  type Quire,
} from "./support.ts";

const HASHING_FAILED: PasswordHashingFailed = { kind: "password_hashing_failed", cause: new Error("out of memory") };

const credentials = ({ author }: Quire, password = PASSWORD) => ({ email: author.email, password });

/** A Quire in which `meanwhile` runs during the comparison of the author's password. */
async function openOvertaken(meanwhile: (quire: Quire) => Promise<void>): Promise<Quire> {
  const quire: Quire = await openQuire({
    hasher: (real) => ({
      verify: overtaken(
        async (password: Password, hash: PasswordHash | null) => real.verify(password, hash),
        async () => meanwhile(quire),
      ),
    }),
  });
  return quire;
}

async function withOutdatedHash(quire: Quire): Promise<Quire> {
  const { id, passwordHash } = quire.author;
  (await quire.storage.users.upgradePasswordHash(id, passwordHash, hashOf(PASSWORD, "outdated")))._unsafeUnwrap();
  return quire;
}

describe("logIn", () => {
  it("opens a session and returns the user's own profile without the password hash", async () => {
    const quire = await openQuire();
    const { passwordHash: _, ...profile } = quire.author;
    const { id, token, expiresAt, user } = (await quire.app.logIn(credentials(quire), null))._unsafeUnwrap().value;
    expect(expiresAt).toEqual(new Date(NOW.getTime() + IDLE_MS));
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(user).toStrictEqual(profile);
    expect(await sessionsOf(quire, quire.author)).toMatchObject([
      { id, userId: quire.author.id, createdAt: NOW, lastUsedAt: NOW, expiresAt },
    ]);
  });

  it("returns a token that authenticates the user and is not stored", async () => {
    const quire = await openQuire();
    const { id, token } = (await quire.app.logIn(credentials(quire), null))._unsafeUnwrap().value;
    const actor = (await quire.app.authenticate(token))._unsafeUnwrap();
    expect(actor).toEqual({ userId: quire.author.id, role: "author", sessionId: id });
    expect(JSON.stringify(await contentsOf(quire))).not.toContain(token);
  });

  it("opens a new session each time", async () => {
    const quire = await openQuire();
    const first = (await quire.app.logIn(credentials(quire), null))._unsafeUnwrap().value;
    const second = (await quire.app.logIn(credentials(quire), null))._unsafeUnwrap().value;
    expect(second.token).not.toBe(first.token);
    expect((await sessionsOf(quire, quire.author)).map(({ id }) => id)).toEqual([second.id, first.id]);
  });

  it("accepts the address in any case", async () => {
    const { app, author } = await openQuire();
    expect((await app.logIn({ email: author.email.toUpperCase(), password: PASSWORD }, null)).isOk()).toBe(true);
  });

  it("accepts the password in any Unicode composition", async () => {
    const { app } = await openQuire();
    const parsed = { name: name("Zoë"), email: email("zoe@example.org") };
    const [composed, decomposed] = ["crème brûlée".normalize("NFC"), "crème brûlée".normalize("NFD")];
    const password = composed as Parameters<typeof app.registerUser>[1]["password"];
    (await app.registerUser(null, { ...parsed, password }, null))._unsafeUnwrap();
    expect((await app.logIn({ email: "zoe@example.org", password: decomposed }, null)).isOk()).toBe(true);
  });

  it.each([
    ["another password", "ada", "not the right one"],
    ["the password with a space after it", "ada", `${PASSWORD} `],
    ["the password in another case", "ada", PASSWORD.toUpperCase()],
    ["an unknown address", "nobody@example.org", PASSWORD],
    ["a text that is not an address", "nobody", PASSWORD],
    ["an address with a NUL", "ada\0@example.org", PASSWORD],
    ["an empty address", "", PASSWORD],
    ["a text that is too short for a password", "ada", "short"],
    ["a text that is too long for a password", "ada", "a".repeat(1_025)],
    ["a password with a NUL", "ada", `${PASSWORD}\0`],
  ])("opens no session for %s and does not reveal which value is wrong", async (_case, address, password) => {
    const quire = await openQuire();
    const before = await contentsOf(quire);
    const refused = await quire.app.logIn({ email: address === "ada" ? quire.author.email : address, password }, null);
    expect(refused._unsafeUnwrapErr()).toStrictEqual({ kind: "invalid_credentials" });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("compares the password with no hash for an unknown address, so that the response time reveals nothing", async () => {
    const { app, hasher } = await openQuire();
    await app.logIn({ email: "nobody@example.org", password: PASSWORD }, null);
    expect(hasher.compared).toEqual([null]);
  });

  it("compares the password once with the hash of the user who has the address", async () => {
    const quire = await openQuire();
    await quire.app.logIn(credentials(quire, "not the right one"), null);
    await quire.app.logIn(credentials(quire), null);
    expect(quire.hasher.compared).toEqual([quire.author.passwordHash, quire.author.passwordHash]);
  });

  it("opens no session for an unknown address even if the hasher returns match", async () => {
    const { app } = await openQuire({ hasher: () => ({ verify: async () => ok("match") }) });
    const refused = await app.logIn({ email: "nobody@example.org", password: PASSWORD }, null);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "invalid_credentials" });
  });

  it.each([
    ["exists", null],
    ["does not exist", "nobody@example.org"],
  ])("fails with password_hashing_failed for an address that %s", async (_case, address) => {
    const quire = await openQuire({ hasher: () => ({ verify: async () => err(HASHING_FAILED) }) });
    const failed = await quire.app.logIn({ email: address ?? quire.author.email, password: PASSWORD }, null);
    expect(failed._unsafeUnwrapErr()).toBe(HASHING_FAILED);
    expect(await sessionsOf(quire, quire.author)).toEqual([]);
  });

  describe("with an outdated hash", () => {
    it("stores a new hash of the same password, and keeps the user's version and times", async () => {
      const quire = await withOutdatedHash(await openQuire());
      quire.clock.set(LATER);
      (await quire.app.logIn(credentials(quire), null))._unsafeUnwrap();
      const stored = (await quire.storage.users.findById(quire.author.id))._unsafeUnwrap();
      expect(stored).toEqual({ ...quire.author, passwordHash: hashOf(PASSWORD, "current", 1) });
    });

    it("stores no other hash at the next log-in", async () => {
      const quire = await withOutdatedHash(await openQuire());
      (await quire.app.logIn(credentials(quire), null))._unsafeUnwrap();
      const { users } = await contentsOf(quire);
      (await quire.app.logIn(credentials(quire), null))._unsafeUnwrap();
      expect((await contentsOf(quire)).users).toEqual(users);
    });

    it("keeps the hash when the password is wrong", async () => {
      const quire = await withOutdatedHash(await openQuire());
      const before = await contentsOf(quire);
      const refused = await quire.app.logIn(credentials(quire, "not the right one"), null);
      expect(refused._unsafeUnwrapErr()).toEqual({ kind: "invalid_credentials" });
      expect(await contentsOf(quire)).toEqual(before);
    });

    it("opens no session when the new hash cannot be computed", async () => {
      const quire = await withOutdatedHash(
        await openQuire({ hasher: () => ({ hash: async () => err(HASHING_FAILED) }) }),
      );
      const before = await contentsOf(quire);
      expect((await quire.app.logIn(credentials(quire), null))._unsafeUnwrapErr()).toBe(HASHING_FAILED);
      expect(await contentsOf(quire)).toEqual(before);
    });

    it("opens a session and keeps the hash while the queue of new hashes is full", async () => {
      const quire = await withOutdatedHash(
        await openQuire({ hasher: () => ({ hash: async () => err({ kind: "password_hashing_busy" }) }) }),
      );
      const { users } = await contentsOf(quire);
      expect((await quire.app.logIn(credentials(quire), null)).isOk()).toBe(true);
      expect((await contentsOf(quire)).users).toEqual(users);
    });

    it("opens a session when another log-in upgrades the hash in the meantime", async () => {
      const quire = await withOutdatedHash(
        await openOvertaken(async ({ storage, author }) => {
          const upgraded = hashOf(PASSWORD, "current", 99);
          await storage.users.upgradePasswordHash(author.id, hashOf(PASSWORD, "outdated"), upgraded);
        }),
      );
      expect((await quire.app.logIn(credentials(quire), null)).isOk()).toBe(true);
      const stored = (await quire.storage.users.findById(quire.author.id))._unsafeUnwrap();
      expect(stored.passwordHash).toBe(hashOf(PASSWORD, "current", 99));
    });
  });

  describe("while the password is compared", () => {
    it.each([
      ["the password", { passwordHash: hashOf("given by the admin") }],
      ["the address", { email: email("new@example.org") }],
    ])("opens no session when %s is changed", async (_, changes) => {
      const quire = await openOvertaken(async ({ storage, author }) => {
        const changed = changeUser(author, changes, LATER);
        (await storage.users.update(changed, author.version))._unsafeUnwrap();
      });
      const refused = await quire.app.logIn(credentials(quire), null);
      expect(refused._unsafeUnwrapErr()).toEqual({ kind: "invalid_credentials" });
      expect(await sessionsOf(quire, quire.author)).toEqual([]);
    });

    it("opens no session and upgrades no hash when an outdated password is changed", async () => {
      const quire = await withOutdatedHash(
        await openOvertaken(async ({ storage, author }) => {
          const changed = changeUser(author, { passwordHash: hashOf("given by the admin") }, LATER);
          (await storage.users.update(changed, author.version))._unsafeUnwrap();
        }),
      );
      const refused = await quire.app.logIn(credentials(quire), null);
      expect(refused._unsafeUnwrapErr()).toEqual({ kind: "invalid_credentials" });
      const stored = (await quire.storage.users.findById(quire.author.id))._unsafeUnwrap();
      expect(stored.passwordHash).toBe(hashOf("given by the admin"));
      expect(await sessionsOf(quire, quire.author)).toEqual([]);
    });

    it("opens no session when the user is deleted", async () => {
      const quire = await openOvertaken(async ({ storage, author }) => {
        (await storage.users.delete(author.id, author.version))._unsafeUnwrap();
      });
      const refused = await quire.app.logIn(credentials(quire), null);
      expect(refused._unsafeUnwrapErr()).toEqual({ kind: "invalid_credentials" });
    });

    it("opens a session and returns the current profile when the name is changed", async () => {
      const quire = await openOvertaken(async ({ storage, author }) => {
        const changed = changeUser(author, { name: name("Grace") }, LATER);
        (await storage.users.update(changed, author.version))._unsafeUnwrap();
      });
      const { value } = (await quire.app.logIn(credentials(quire), null))._unsafeUnwrap();
      expect(value.user.name).toBe("Grace");
    });
  });

  it("upgrades no hash when the user is deleted before the session is stored", async () => {
    const quire = await withOutdatedHash(
      await openQuire({ sessions: () => ({ insert: async () => err({ kind: "user_not_found" }) }) }),
    );
    const before = await contentsOf(quire);
    const refused = await quire.app.logIn(credentials(quire), null);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "invalid_credentials" });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("revokes the oldest session when a user exceeds the maximum", async () => {
    const quire = await openQuire();
    const first = await signIn(quire, quire.author);
    for (let i = 1; i < MAX_SESSIONS_PER_USER; i++) await signIn(quire, quire.author);
    const input = { email: quire.author.email, password: PASSWORD };
    const { id: opened } = (await quire.app.logIn(input, null))._unsafeUnwrap().value;
    const all = { limit: 2 * MAX_SESSIONS_PER_USER, from: null };
    const { items } = (await quire.storage.sessions.listByUser(quire.author.id, NOW, all))._unsafeUnwrap();
    expect(items).toHaveLength(MAX_SESSIONS_PER_USER);
    expect(items[0]?.id).toBe(opened);
    expect(items.map(({ id }) => id)).not.toContain(first.sessionId);
  });

  it("revokes up to 100 sessions of a user who exceeds the maximum by more, so that the next log-in reaches it", async () => {
    const quire = await openQuire();
    for (let i = 0; i < MAX_SESSIONS_PER_USER + 150; i++) await signIn(quire, quire.author);
    const all = { limit: 2 * MAX_SESSIONS_PER_USER, from: null };
    for (const left of [MAX_SESSIONS_PER_USER + 51, MAX_SESSIONS_PER_USER]) {
      (await quire.app.logIn({ email: quire.author.email, password: PASSWORD }, null))._unsafeUnwrap();
      const { items } = (await quire.storage.sessions.listByUser(quire.author.id, NOW, all))._unsafeUnwrap();
      expect(items).toHaveLength(left);
    }
  });
});
