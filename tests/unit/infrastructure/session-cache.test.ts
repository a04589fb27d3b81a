import { ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { Repositories } from "../../../src/application/ports/unit-of-work.ts";
import type { PasswordHash } from "../../../src/domain/user/password.ts";
import type { Session } from "../../../src/domain/session/session.ts";
import type { User } from "../../../src/domain/user/user.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { cacheSessions } from "../../../src/infrastructure/storage/session-cache.ts";
import { aSession, aUser, LATER, NOW } from "../../support/fixtures.ts";

type Ports = Parameters<typeof cacheSessions>[0];

/** A storage with a user and their session, and how often it was asked for them. */
async function storageWithSession() {
  const storage = openMemoryStorage();
  const user = aUser();
  const session = aSession(user.id);
  (await storage.users.insert(user))._unsafeUnwrap();
  (await storage.sessions.insert(session))._unsafeUnwrap();
  const asked = { users: 0, sessions: 0 };
  const counted: Ports = {
    ...storage,
    users: {
      ...storage.users,
      findById: async (id) => {
        asked.users++;
        return storage.users.findById(id);
      },
    },
    sessions: {
      ...storage.sessions,
      findByTokenDigest: async (digest) => {
        asked.sessions++;
        return storage.sessions.findByTokenDigest(digest);
      },
    },
  };
  return { storage, counted, asked, user, session };
}

async function look(ports: Ports, user: User, session: Session) {
  return {
    user: await ports.users.findById(user.id),
    session: await ports.sessions.findByTokenDigest(session.tokenDigest),
  };
}

const UPGRADED = "$upgraded$" as PasswordHash;

const CHANGES: readonly (readonly [
  string,
  (repositories: Repositories, user: User, session: Session) => Promise<unknown>,
])[] = [
  ["a user is changed", async ({ users }, user) => users.update({ ...user, role: "admin" }, user.version)],
  [
    "a password hash is upgraded",
    async ({ users }, user) => users.upgradePasswordHash(user.id, user.passwordHash, UPGRADED),
  ],
  [
    "the removal of a user is requested",
    async ({ users }, { id: userId, version }) =>
      users.requestRemoval({ userId, version, posts: { kind: "keep" }, requestedAt: NOW }),
  ],
  ["the oldest sessions are deleted", async ({ sessions }, user) => sessions.deleteOldest(user.id, 0, 10)],
  ["a user is deleted", async ({ users }, user) => users.delete(user.id, user.version)],
  ["a session is renewed", async ({ sessions }, _, session) => sessions.renew({ ...session, expiresAt: LATER })],
  ["a session is deleted", async ({ sessions }, user, session) => sessions.delete(session.id, user.id)],
  ["a user's sessions are deleted", async ({ sessions }, user) => sessions.deleteByUser(user.id, null)],
  ["expired sessions are deleted", async ({ sessions }, _, session) => sessions.deleteExpired(session.expiresAt, 1000)],
];

describe("remembered access", () => {
  it("asks the storage once for a user and a session that are found", async () => {
    const { counted, asked, user, session } = await storageWithSession();
    const remembered = cacheSessions(counted);
    const first = await look(remembered, user, session);
    expect(await look(remembered, user, session)).toEqual(first);
    expect(first).toEqual({ user: ok(user), session: ok(session) });
    expect(asked).toEqual({ users: 1, sessions: 1 });
  });

  it("asks again for what was not found, as it may come", async () => {
    const { counted, user } = await storageWithSession();
    const remembered = cacheSessions(counted);
    const other = aUser();
    expect((await remembered.users.findById(other.id)).isErr()).toBe(true);
    (await remembered.users.insert(other))._unsafeUnwrap();
    expect(await remembered.users.findById(other.id)).toEqual(ok(other));
    expect(await remembered.users.findById(user.id)).toEqual(ok(user));
  });

  it.each(CHANGES)("gives what the storage has once %s", async (_case, change) => {
    const { counted, storage, user, session } = await storageWithSession();
    const remembered = cacheSessions(counted);
    const before = await look(remembered, user, session);
    await change(remembered, user, session);
    const after = await look(remembered, user, session);
    expect(after).toEqual(await look(storage, user, session));
    expect(after).not.toEqual(before);
  });

  it.each(CHANGES)("gives what the storage has once %s in a unit of work", async (_case, change) => {
    const { counted, storage, user, session } = await storageWithSession();
    const remembered = cacheSessions(counted);
    const before = await look(remembered, user, session);
    await remembered.unitOfWork.run(async (repositories) => {
      await change(repositories, user, session);
      return ok();
    });
    const after = await look(remembered, user, session);
    expect(after).toEqual(await look(storage, user, session));
    expect(after).not.toEqual(before);
  });

  it("does not remember what was read before a change and came after it", async () => {
    const { counted, storage, user, session } = await storageWithSession();
    let answer = () => {};
    const held = new Promise<void>((settle) => (answer = settle));
    const remembered = cacheSessions({
      ...counted,
      sessions: {
        ...counted.sessions,
        findByTokenDigest: async (digest) => {
          const found = await storage.sessions.findByTokenDigest(digest);
          await held;
          return found;
        },
      },
    });
    const early = remembered.sessions.findByTokenDigest(session.tokenDigest);
    (await remembered.sessions.delete(session.id, user.id))._unsafeUnwrap();
    answer();
    expect((await early).isOk()).toBe(true);
    expect((await remembered.sessions.findByTokenDigest(session.tokenDigest)).isErr()).toBe(true);
  });

  it("forgets when a change throws, as it may have been done", async () => {
    const { counted, asked, user, session } = await storageWithSession();
    const failing = async () => {
      throw new Error("lost");
    };
    const remembered = cacheSessions({ ...counted, sessions: { ...counted.sessions, renew: failing } });
    await look(remembered, user, session);
    await expect(remembered.sessions.renew({ ...session, lastUsedAt: NOW })).rejects.toThrow("lost");
    await look(remembered, user, session);
    expect(asked).toEqual({ users: 2, sessions: 2 });
  });

  it("gives rows of their own, so that nobody changes what others get", async () => {
    const { counted, user, session } = await storageWithSession();
    const remembered = cacheSessions(counted);
    for (let time = 0; time < 2; time++) {
      const found = await look(remembered, user, session);
      found.session._unsafeUnwrap().expiresAt.setTime(0);
      Object.assign(found.user._unsafeUnwrap(), { role: "admin" });
    }
    expect(await look(remembered, user, session)).toEqual({ user: ok(user), session: ok(session) });
  });
});
