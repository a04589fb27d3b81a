import { beforeEach, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import type { SessionId, UserId } from "../domain/shared/id.ts";
import type { PageCursor } from "../domain/shared/page.ts";
import { newSession, touchSession, type Session } from "../domain/session/session.ts";
import { aSession, aUser, DAY_MS, LATER, nextId, NOW, past, tokenDigest } from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";
import { FIRST_VERSION, nextVersion } from "../domain/shared/version.ts";

const IDLE_MS = 30 * DAY_MS;
const after = (ms: number) => new Date(NOW.getTime() + ms);

const ending = (userId: UserId, ms: number) =>
  newSession({ id: nextId<SessionId>(), userId, tokenDigest: tokenDigest(`${userId} ${ms}`) }, NOW, ms);

export function sessionRepositoryContract(adapter: StorageUnderTest): void {
  describe(`SessionRepository on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter);
    let storage: Storage;
    let user: UserId;
    let other: UserId;

    beforeEach(async () => {
      storage = await emptied();
      const users = [aUser(), aUser()] as const;
      for (const each of users) (await storage.users.insert(each))._unsafeUnwrap();
      [user, other] = [users[0].id, users[1].id];
    });

    const stored = async (session: Session = aSession(user)): Promise<Session> => {
      (await storage.sessions.insert(session, FIRST_VERSION))._unsafeUnwrap();
      return session;
    };
    const found = async ({ tokenDigest }: Session): Promise<Session> =>
      (await storage.sessions.findByTokenDigest(tokenDigest))._unsafeUnwrap();
    const exists = async ({ tokenDigest }: Session): Promise<boolean> =>
      (await storage.sessions.findByTokenDigest(tokenDigest)).isOk();
    const page = async (limit: number, from: PageCursor<SessionId> | null = null, now: Date = NOW) =>
      (await storage.sessions.listByUser(user, now, { limit, from }))._unsafeUnwrap();

    describe("insert and findByTokenDigest", () => {
      it.each([
        ["an id", "another token"],
        ["a token digest", "a token"],
      ])("throws when %s is already stored, and keeps the stored session", async (repeated, digest) => {
        const session = aSession(user, "a token");
        await stored(session);
        const next = aSession(user, digest);
        const again = repeated === "an id" ? { ...next, id: session.id } : next;
        await expect(storage.sessions.insert(again, FIRST_VERSION)).rejects.toThrow();
        expect(await found(session)).toEqual(session);
      });

      it("returns every field unchanged and its times exact to the millisecond", async () => {
        const session = touchSession(aSession(user, "a token"), after(DAY_MS + 7), IDLE_MS);
        await stored(session);
        expect(await found(session)).toEqual(session);
      });

      it("distinguishes the sessions of one user by their digests", async () => {
        const [first, second] = [await stored(), await stored()];
        expect((await found(first)).id).toBe(first.id);
        expect((await found(second)).id).toBe(second.id);
      });

      it("finds a session that has expired", async () => {
        const session = await stored(aSession(user, "expired", 0));
        expect(await found(session)).toEqual(session);
      });

      it("returns session_not_found for an unknown digest", async () => {
        await stored(aSession(user, "a token"));
        const result = await storage.sessions.findByTokenDigest(tokenDigest("another token"));
        expect(result._unsafeUnwrapErr()).toEqual({ kind: "session_not_found" });
      });

      it("rejects a session for another version of the user, and stores nothing", async () => {
        const session = aSession(user);
        const refused = await storage.sessions.insert(session, nextVersion(FIRST_VERSION));
        expect(refused._unsafeUnwrapErr()).toEqual({ kind: "version_conflict" });
        expect(await exists(session)).toBe(false);
      });

      it("rejects a session of an unknown user, and stores nothing", async () => {
        const session = aSession(nextId<UserId>());
        expect((await storage.sessions.insert(session, FIRST_VERSION))._unsafeUnwrapErr()).toEqual({
          kind: "user_not_found",
        });
        expect(await exists(session)).toBe(false);
      });

      it("does not share objects with the caller of insert", async () => {
        const session = aSession(user);
        const mine = { ...session, expiresAt: new Date(session.expiresAt), lastUsedAt: new Date(NOW) };
        await stored(mine);
        mine.expiresAt.setTime(0);
        mine.lastUsedAt.setTime(0);
        mine.userId = other;
        expect(await found(session)).toEqual(session);
      });

      it("does not share objects with the callers of findByTokenDigest and listByUser", async () => {
        const session = await stored();
        for (const answer of [await found(session), ...(await page(10)).items]) {
          answer.expiresAt.setTime(0);
          Object.assign(answer, { userId: other });
        }
        expect(await found(session)).toEqual(session);
      });
    });

    describe("listByUser", () => {
      it("returns an empty page without cursors for a user without sessions", async () => {
        await stored(aSession(other));
        expect(await page(10)).toEqual({ items: [], next: null, previous: null });
      });

      it("returns only the sessions of the user, newest first", async () => {
        const sessions = Array.from({ length: 4 }, () => aSession(user));
        for (const index of [2, 0, 3, 1]) await stored(sessions[index]);
        await stored(aSession(other));
        expect((await page(10)).items).toEqual(sessions.toReversed());
      });

      it.each([
        ["includes", "a millisecond before", IDLE_MS - 1, 1],
        ["excludes", "at", IDLE_MS, 0],
        ["excludes", "after", IDLE_MS + 1, 0],
      ])("%s a session %s its expiry", async (_verb, _when, elapsedMs, length) => {
        await stored();
        expect((await page(10, null, after(elapsedMs))).items).toHaveLength(length);
      });

      it.each([
        ["one less than the number of active sessions", 3, 3, true],
        ["the number of active sessions", 4, 4, false],
        ["one more than the number of active sessions", 5, 4, false],
      ])(
        "fills the page and returns a next cursor only if active sessions remain, with a limit of %s",
        async (_, limit, length, hasNext) => {
          for (let i = 0; i < 4; i++) {
            await stored();
            await stored(aSession(user, `expired ${i}`, 0));
          }
          const { items, next } = await page(limit);
          expect(items).toHaveLength(length);
          expect(next).toEqual(hasNext ? past(items.at(-1)?.id ?? nextId<SessionId>()) : null);
        },
      );

      it("skips and repeats no session while inserts and deletes run between the pages", async () => {
        const sessions: Session[] = [];
        for (let i = 0; i < 6; i++) sessions.push(await stored());
        const [s1, s2, s3, s4, s5, s6] = sessions.map((session) => session.id);
        const first = await page(2);
        await stored();
        (await storage.sessions.delete(s5 as SessionId, user))._unsafeUnwrap();
        (await storage.sessions.delete(s3 as SessionId, user))._unsafeUnwrap();
        const second = await page(2, first.next);
        const rest = await page(2, second.next);
        const ids = [first, second, rest].map(({ items }) => items.map((session) => session.id));
        expect(ids).toEqual([[s6, s5], [s4, s2], [s1]]);
        expect(rest.next).toBeNull();
      });
    });

    describe("renew", () => {
      it("stores lastUsedAt and expiresAt", async () => {
        const session = await stored();
        const touched = touchSession(session, after(DAY_MS), IDLE_MS);
        expect(touched).not.toBe(session);
        expect((await storage.sessions.renew(touched)).isOk()).toBe(true);
        expect(await found(session)).toEqual(touched);
      });

      it("ignores changes of other fields", async () => {
        const session = await stored();
        const createdAt = LATER;
        const forged = {
          ...session,
          userId: other,
          tokenDigest: tokenDigest("forged"),
          createdAt,
          lastUsedAt: LATER,
        };
        (await storage.sessions.renew(forged))._unsafeUnwrap();
        expect(await found(session)).toEqual({ ...session, lastUsedAt: LATER });
      });

      it("does not change the user's other sessions", async () => {
        const [session, another] = [await stored(), await stored()];
        (await storage.sessions.renew(touchSession(session, after(DAY_MS), IDLE_MS)))._unsafeUnwrap();
        expect(await found(another)).toEqual(another);
      });

      it("returns session_not_found for an unknown session, and does not store it", async () => {
        const session = aSession(user);
        expect((await storage.sessions.renew(session))._unsafeUnwrapErr()).toEqual({ kind: "session_not_found" });
        expect(await exists(session)).toBe(false);
      });

      it("does not restore a deleted session", async () => {
        const session = await stored();
        (await storage.sessions.delete(session.id, user))._unsafeUnwrap();
        expect((await storage.sessions.renew(session))._unsafeUnwrapErr()).toEqual({ kind: "session_not_found" });
        expect(await exists(session)).toBe(false);
      });

      it("does not share objects with the caller of renew", async () => {
        const session = await stored();
        const renewed = { ...session, lastUsedAt: new Date(LATER), expiresAt: new Date(LATER) };
        (await storage.sessions.renew(renewed))._unsafeUnwrap();
        renewed.expiresAt.setTime(0);
        renewed.lastUsedAt.setTime(0);
        expect(await found(session)).toEqual({ ...session, lastUsedAt: LATER, expiresAt: LATER });
      });
    });

    describe("delete", () => {
      it("deletes the session and no other session", async () => {
        const [session, another] = [await stored(), await stored()];
        expect((await storage.sessions.delete(session.id, user)).isOk()).toBe(true);
        expect(await exists(session)).toBe(false);
        expect(await exists(another)).toBe(true);
      });

      it("returns session_not_found for another user's session, and keeps it", async () => {
        const session = await stored(aSession(other));
        const result = await storage.sessions.delete(session.id, user);
        expect(result._unsafeUnwrapErr()).toEqual({ kind: "session_not_found" });
        expect(await exists(session)).toBe(true);
      });

      it("returns session_not_found for an unknown id", async () => {
        const result = await storage.sessions.delete(nextId<SessionId>(), user);
        expect(result._unsafeUnwrapErr()).toEqual({ kind: "session_not_found" });
      });

      it("accepts exactly one of two concurrent deletes", async () => {
        const session = await stored();
        const results = await Promise.all([1, 2].map(async () => storage.sessions.delete(session.id, user)));
        expect(results.filter((result) => result.isOk())).toHaveLength(1);
      });
    });

    describe("deleteByUser", () => {
      it("deletes all sessions of the user, expired ones included, and no sessions of others", async () => {
        const gone = [await stored(), await stored(aSession(user, "expired", 0))];
        const kept = await stored(aSession(other));
        expect((await storage.sessions.deleteByUser(user, null)).isOk()).toBe(true);
        for (const session of gone) expect(await exists(session)).toBe(false);
        expect(await exists(kept)).toBe(true);
      });

      it("keeps the excepted session", async () => {
        const [first, kept, last] = [await stored(), await stored(), await stored()];
        expect((await storage.sessions.deleteByUser(user, kept.id)).isOk()).toBe(true);
        expect(await exists(first)).toBe(false);
        expect(await found(kept)).toEqual(kept);
        expect(await exists(last)).toBe(false);
      });

      it("deletes all sessions of the user when the excepted session belongs to another user", async () => {
        const [own, others] = [await stored(), await stored(aSession(other))];
        (await storage.sessions.deleteByUser(user, others.id))._unsafeUnwrap();
        expect(await exists(own)).toBe(false);
        expect(await exists(others)).toBe(true);
      });

      it("succeeds for a user without sessions", async () => {
        expect((await storage.sessions.deleteByUser(user, null)).isOk()).toBe(true);
      });
    });

    describe("deleteOldest", () => {
      it("deletes at most the given number of the user's oldest sessions beyond those to keep", async () => {
        const sessions: Session[] = [];
        for (let i = 0; i < 6; i++) sessions.push(await stored());
        const others = await stored(aSession(other));
        const left = async () =>
          (await Promise.all(sessions.map(exists))).flatMap((isThere, index) => (isThere ? [index] : []));
        expect((await storage.sessions.deleteOldest(user, 4, 1))._unsafeUnwrap()).toBe(1);
        expect(await left()).toEqual([0, 2, 3, 4, 5]);
        expect((await storage.sessions.deleteOldest(user, 4, 10))._unsafeUnwrap()).toBe(1);
        expect(await left()).toEqual([2, 3, 4, 5]);
        expect((await storage.sessions.deleteOldest(user, 4, 10))._unsafeUnwrap()).toBe(0);
        expect(await exists(others)).toBe(true);
      });
    });

    describe("deleteExpired", () => {
      it("deletes at most the given number of sessions, and returns the number of deleted sessions", async () => {
        for (const owner of [user, other]) await stored(ending(owner, 1_000));
        await stored(ending(user, 999));
        const purge = async () => (await storage.sessions.deleteExpired(after(1_000), 2))._unsafeUnwrap();
        expect([await purge(), await purge(), await purge()]).toEqual([2, 1, 0]);
      });

      it("deletes the sessions of every user that expire now or earlier, and keeps those that expire a millisecond later", async () => {
        const before = [await stored(ending(user, 999)), await stored(ending(other, 999))];
        const at = [await stored(ending(user, 1_000)), await stored(ending(other, 1_000))];
        const later = [await stored(ending(user, 1_001)), await stored(ending(other, 1_001))];
        expect((await storage.sessions.deleteExpired(after(1_000), 1000)).isOk()).toBe(true);
        for (const session of [...before, ...at]) expect(await exists(session)).toBe(false);
        for (const session of later) expect(await found(session)).toEqual(session);
      });

      it("deletes nothing when no session has expired", async () => {
        const session = await stored();
        expect((await storage.sessions.deleteExpired(NOW, 1000)).isOk()).toBe(true);
        expect(await exists(session)).toBe(true);
      });

      it("keeps a session that was renewed before its expiry", async () => {
        const session = await stored();
        (await storage.sessions.renew(touchSession(session, after(DAY_MS), IDLE_MS)))._unsafeUnwrap();
        (await storage.sessions.deleteExpired(session.expiresAt, 1000))._unsafeUnwrap();
        expect(await exists(session)).toBe(true);
      });
    });
  });
}
