import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { Storage } from "../../../src/application/ports/storage.ts";
import type { Repositories } from "../../../src/application/ports/unit-of-work.ts";
import type { PasswordHash } from "../../../src/domain/user/password.ts";
import type { Session } from "../../../src/domain/session/session.ts";
import type { SessionRepository } from "../../../src/domain/session/session-repository.ts";
import type { StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import type { User } from "../../../src/domain/user/user.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { cacheSessions } from "../../../src/infrastructure/storage/session-cache.ts";
import { aSession, aUser, LATER, NOW } from "../../../src/testing/fixtures.ts";
import { FIRST_VERSION } from "../../../src/domain/shared/version.ts";

/** A storage with a user and a session, which counts the lookups of each. */
async function storageWithSession() {
  const storage = openMemoryStorage();
  const user = aUser();
  const session = aSession(user.id);
  (await storage.users.insert(user))._unsafeUnwrap();
  (await storage.sessions.insert(session, FIRST_VERSION))._unsafeUnwrap();
  const lookups = { users: 0, sessions: 0 };
  const counted: Storage = {
    ...storage,
    users: {
      ...storage.users,
      findById: async (id) => {
        lookups.users++;
        return storage.users.findById(id);
      },
    },
    sessions: {
      ...storage.sessions,
      findByTokenDigest: async (digest) => {
        lookups.sessions++;
        return storage.sessions.findByTokenDigest(digest);
      },
    },
  };
  return { storage, counted, lookups, user, session };
}

async function lookUp(storage: Storage, user: User, session: Session) {
  return {
    user: await storage.users.findById(user.id),
    session: await storage.sessions.findByTokenDigest(session.tokenDigest),
  };
}

const OUTAGE: StorageFailure = {
  kind: "storage_failure",
  reason: "unavailable",
  isTransient: true,
  operation: "sessions.deleteOldest",
  cause: null,
};

const UPGRADED = "$upgraded$" as PasswordHash;

const CHANGES: readonly (readonly [
  string,
  (repositories: Repositories, user: User, session: Session) => Promise<unknown>,
])[] = [
  ["a change of a user", async ({ users }, user) => users.update({ ...user, role: "admin" }, user.version)],
  [
    "an upgrade of a password hash",
    async ({ users }, user) => users.upgradePasswordHash(user.id, user.passwordHash, UPGRADED),
  ],
  [
    "a request to remove a user",
    async ({ users }, { id: userId, version }) =>
      users.requestRemoval({ userId, version, posts: { kind: "keep" }, requestedAt: NOW }),
  ],
  ["the deletion of the oldest sessions", async ({ sessions }, user) => sessions.deleteOldest(user.id, 0, 10)],
  ["the deletion of a user", async ({ users }, user) => users.delete(user.id, user.version)],
  ["the renewal of a session", async ({ sessions }, _, session) => sessions.renew({ ...session, expiresAt: LATER })],
  ["the deletion of a session", async ({ sessions }, user, session) => sessions.delete(session.id, user.id)],
  ["the deletion of a user's sessions", async ({ sessions }, user) => sessions.deleteByUser(user.id, null)],
  [
    "the deletion of expired sessions",
    async ({ sessions }, _, session) => sessions.deleteExpired(session.expiresAt, 1000),
  ],
];

describe("session cache", () => {
  it("loads a user and a session from the storage once", async () => {
    const { counted, lookups, user, session } = await storageWithSession();
    const cached = cacheSessions(counted);
    const first = await lookUp(cached, user, session);
    expect(await lookUp(cached, user, session)).toEqual(first);
    expect(first).toEqual({ user: ok(user), session: ok(session) });
    expect(lookups).toEqual({ users: 1, sessions: 1 });
  });

  it("does not cache that a user was not found", async () => {
    const { counted, user } = await storageWithSession();
    const cached = cacheSessions(counted);
    const other = aUser();
    expect((await cached.users.findById(other.id)).isErr()).toBe(true);
    (await cached.users.insert(other))._unsafeUnwrap();
    expect(await cached.users.findById(other.id)).toEqual(ok(other));
    expect(await cached.users.findById(user.id)).toEqual(ok(user));
  });

  it.each(CHANGES)("returns the stored value after %s", async (_case, change) => {
    const { counted, storage, user, session } = await storageWithSession();
    const cached = cacheSessions(counted);
    const before = await lookUp(cached, user, session);
    await change(cached, user, session);
    const after = await lookUp(cached, user, session);
    expect(after).toEqual(await lookUp(storage, user, session));
    expect(after).not.toEqual(before);
  });

  it.each(CHANGES)("returns the stored value after %s in a unit of work", async (_case, change) => {
    const { counted, storage, user, session } = await storageWithSession();
    const cached = cacheSessions(counted);
    const before = await lookUp(cached, user, session);
    await cached.unitOfWork.run(async (repositories) => {
      await change(repositories, user, session);
      return ok();
    });
    const after = await lookUp(cached, user, session);
    expect(after).toEqual(await lookUp(storage, user, session));
    expect(after).not.toEqual(before);
  });

  it("does not cache a value that was loaded during a write", async () => {
    const { counted, storage, user, session } = await storageWithSession();
    let answer = () => {};
    const held = new Promise<void>((settle) => (answer = settle));
    const cached = cacheSessions({
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
    const early = cached.sessions.findByTokenDigest(session.tokenDigest);
    (await cached.sessions.delete(session.id, user.id))._unsafeUnwrap();
    answer();
    expect((await early).isOk()).toBe(true);
    expect((await cached.sessions.findByTokenDigest(session.tokenDigest)).isErr()).toBe(true);
  });

  it("invalidates after a write that throws, because it may have been stored", async () => {
    const { counted, lookups, user, session } = await storageWithSession();
    const failing = async () => {
      throw new Error("lost");
    };
    const cached = cacheSessions({ ...counted, sessions: { ...counted.sessions, renew: failing } });
    await lookUp(cached, user, session);
    await expect(cached.sessions.renew({ ...session, lastUsedAt: NOW })).rejects.toThrow("lost");
    await lookUp(cached, user, session);
    expect(lookups).toEqual({ users: 2, sessions: 2 });
  });

  it("invalidates after a unit of work that throws once it is stored", async () => {
    const { counted, storage, user, session } = await storageWithSession();
    const run: Storage["unitOfWork"]["run"] = async (work) => {
      (await storage.unitOfWork.run(work))._unsafeUnwrap();
      throw new Error("lost");
    };
    const cached = cacheSessions({ ...counted, unitOfWork: { run } });
    await lookUp(cached, user, session);
    const revoked = cached.unitOfWork.run(async ({ sessions }) => sessions.deleteByUser(user.id, null));
    await expect(revoked).rejects.toThrow("lost");
    expect((await cached.sessions.findByTokenDigest(session.tokenDigest)).isErr()).toBe(true);
  });

  it.each<[string, () => ReturnType<SessionRepository["deleteOldest"]>]>([
    ["fails", async () => err(OUTAGE)],
    [
      "throws",
      async () => {
        throw new Error("lost");
      },
    ],
  ])("invalidates after a deletion of the oldest sessions that %s, because it may be stored", async (_case, fail) => {
    const { counted, lookups, user, session } = await storageWithSession();
    const cached = cacheSessions({ ...counted, sessions: { ...counted.sessions, deleteOldest: fail } });
    await lookUp(cached, user, session);
    await cached.sessions.deleteOldest(user.id, 0, 1).catch(() => undefined);
    await lookUp(cached, user, session);
    expect(lookups).toEqual({ users: 2, sessions: 2 });
  });

  it("stays valid when a log-in finds no session to delete", async () => {
    const { counted, lookups, user, session } = await storageWithSession();
    const cached = cacheSessions(counted);
    await lookUp(cached, user, session);
    expect(await cached.sessions.deleteOldest(user.id, 1, 1)).toEqual(ok(0));
    await lookUp(cached, user, session);
    expect(lookups).toEqual({ users: 1, sessions: 1 });
  });

  it("returns a copy to each caller, so that no caller changes the row of another", async () => {
    const { counted, user, session } = await storageWithSession();
    const cached = cacheSessions(counted);
    for (let time = 0; time < 2; time++) {
      const found = await lookUp(cached, user, session);
      found.session._unsafeUnwrap().expiresAt.setTime(0);
      Object.assign(found.user._unsafeUnwrap(), { role: "admin" });
    }
    expect(await lookUp(cached, user, session)).toEqual({ user: ok(user), session: ok(session) });
  });
});
