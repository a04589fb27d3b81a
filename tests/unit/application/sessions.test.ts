import { err } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { SessionId } from "../../../src/domain/shared/id.ts";
import { changeUser } from "../../../src/domain/user/user.ts";
import { LATER, nextId, NOW } from "../../../src/testing/fixtures.ts";
import {
  contentsOf,
  IDLE_MS,
  openQuire,
  outage,
  OUTAGE,
  pagesOfTwo,
  PASSWORD,
  sessionsOf,
  signIn,
  WHOLE_LIST,
  type Overrides,
} from "./support.ts";
import { FIRST_VERSION } from "../../../src/domain/shared/version.ts";

const PRECISION_MS = IDLE_MS / 100;

const afterNow = (ms: number) => new Date(NOW.getTime() + ms);

async function loggedIn(overrides: Overrides = {}) {
  const quire = await openQuire(overrides);
  const credentials = { email: quire.author.email, password: PASSWORD };
  const { id, token } = (await quire.app.logIn(credentials, null))._unsafeUnwrap().value;
  const session = (await sessionsOf(quire, quire.author)).find((each) => each.id === id);
  if (session === undefined) throw new Error("The log-in stored no session.");
  return { quire, session, token };
}

const INVALID = { kind: "invalid_session" };

describe("authenticate", () => {
  it("returns the user and the session of a token", async () => {
    const { quire, session, token } = await loggedIn();
    expect((await quire.app.authenticate(token))._unsafeUnwrap()).toEqual({
      userId: quire.author.id,
      role: "author",
      sessionId: session.id,
    });
  });

  it("returns the current role of the user", async () => {
    const { quire, token } = await loggedIn();
    const promoted = changeUser(quire.author, { role: "admin" }, LATER);
    (await quire.storage.users.update(promoted, quire.author.version))._unsafeUnwrap();
    expect((await quire.app.authenticate(token))._unsafeUnwrap().role).toBe("admin");
  });

  it.each([
    ["no token", ""],
    ["a token that was never issued", "A".repeat(43)],
    ["text of any script", "ключ 🔑"],
  ])("rejects %s", async (_case, token) => {
    const { quire } = await loggedIn();
    expect((await quire.app.authenticate(token))._unsafeUnwrapErr()).toEqual(INVALID);
  });

  it("rejects the stored digest instead of the token", async () => {
    const { quire, session } = await loggedIn();
    expect((await quire.app.authenticate(session.tokenDigest))._unsafeUnwrapErr()).toEqual(INVALID);
  });

  it("does not renew a session that was renewed recently", async () => {
    const { quire, session, token } = await loggedIn();
    quire.clock.advance(PRECISION_MS - 1);
    (await quire.app.authenticate(token))._unsafeUnwrap();
    expect(await sessionsOf(quire, quire.author)).toEqual([session]);
  });

  it("renews a session that is used", async () => {
    const { quire, session, token } = await loggedIn();
    quire.clock.advance(PRECISION_MS);
    (await quire.app.authenticate(token))._unsafeUnwrap();
    const renewed = { lastUsedAt: afterNow(PRECISION_MS), expiresAt: afterNow(PRECISION_MS + IDLE_MS) };
    expect(await sessionsOf(quire, quire.author)).toEqual([{ ...session, ...renewed }]);
  });

  it("keeps a session active as long as it is used", async () => {
    const { quire, token } = await loggedIn();
    for (let i = 0; i < 5; i++) {
      quire.clock.advance(IDLE_MS - 1);
      expect((await quire.app.authenticate(token)).isOk()).toBe(true);
    }
  });

  it("accepts a token while the store cannot write, keeps the session unchanged, and logs the failure", async () => {
    const { quire, session, token } = await loggedIn({ sessions: () => ({ renew: outage }) });
    quire.clock.advance(PRECISION_MS);
    expect((await quire.app.authenticate(token))._unsafeUnwrap()).toMatchObject({ sessionId: session.id });
    expect(await sessionsOf(quire, quire.author)).toEqual([session]);
    const fields = { sessionId: session.id, failure: OUTAGE };
    expect(quire.log.lines).toEqual([{ level: "warn", fields, message: "session not renewed" }]);
  });

  it("rejects a session from its expiry on and does not renew it", async () => {
    const { quire, token } = await loggedIn();
    quire.clock.advance(IDLE_MS);
    expect((await quire.app.authenticate(token))._unsafeUnwrapErr()).toEqual(INVALID);
    expect(await sessionsOf(quire, quire.author)).toEqual([]);
  });

  it.each<[string, Overrides]>([
    ["the user was deleted", { users: () => ({ findById: async () => err({ kind: "user_not_found" }) }) }],
    [
      "the session is revoked during the renewal",
      { sessions: () => ({ renew: async () => err({ kind: "session_not_found" }) }) },
    ],
  ])("rejects a session when %s", async (_case, overrides) => {
    const quire = await openQuire(overrides);
    const { session, token } = await issueFor(quire);
    quire.clock.advance(PRECISION_MS);
    expect((await quire.app.authenticate(token))._unsafeUnwrapErr()).toEqual(INVALID);
    expect(await sessionsOf(quire, quire.author)).toEqual([session]);
  });
});

/** Opens a session without the use case, because the overrides would make its reads fail. */
async function issueFor(quire: Awaited<ReturnType<typeof openQuire>>) {
  const { sessionId } = await signIn(quire, quire.author);
  const token = `token of ${sessionId}`;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)));
  const [stored] = await sessionsOf(quire, quire.author);
  const session = { ...stored, tokenDigest: Buffer.from(digest).toString("hex") } as NonNullable<typeof stored>;
  (await quire.storage.sessions.delete(sessionId, quire.author.id))._unsafeUnwrap();
  (await quire.storage.sessions.insert(session, FIRST_VERSION))._unsafeUnwrap();
  return { session, token };
}

describe("logOut", () => {
  it("revokes the session of the request and no other", async () => {
    const { quire, session, token } = await loggedIn();
    const others = [await signIn(quire, quire.author), await signIn(quire, quire.otherAuthor)];
    const actor = (await quire.app.authenticate(token))._unsafeUnwrap();
    (await quire.app.logOut(actor))._unsafeUnwrap();
    expect((await quire.app.authenticate(token))._unsafeUnwrapErr()).toEqual(INVALID);
    const { sessions } = await contentsOf(quire);
    expect(sessions.map(({ id }) => id)).not.toContain(session.id);
    expect(sessions).toHaveLength(others.length);
  });

  it("succeeds when the session was revoked in the meantime", async () => {
    const quire = await openQuire();
    const actor = await signIn(quire, quire.author);
    (await quire.app.logOut(actor))._unsafeUnwrap();
    expect((await quire.app.logOut(actor)).isOk()).toBe(true);
  });
});

describe("revokeSession", () => {
  it("revokes one of the actor's own sessions and no other", async () => {
    const quire = await openQuire();
    const actor = await signIn(quire, quire.author);
    const lost = await signIn(quire, quire.author);
    (await quire.app.revokeSession(actor, lost.sessionId))._unsafeUnwrap();
    expect((await sessionsOf(quire, quire.author)).map(({ id }) => id)).toEqual([actor.sessionId]);
  });

  it("can revoke the session of the request", async () => {
    const quire = await openQuire();
    const actor = await signIn(quire, quire.author);
    (await quire.app.revokeSession(actor, actor.sessionId))._unsafeUnwrap();
    expect(await sessionsOf(quire, quire.author)).toEqual([]);
  });

  it.each(["otherAuthor", "admin"] as const)(
    "fails with session_not_found for another user's session, requested by the %s",
    async (who) => {
      const quire = await openQuire();
      const victim = await signIn(quire, quire.author);
      const actor = await signIn(quire, quire[who]);
      const refused = await quire.app.revokeSession(actor, victim.sessionId);
      expect(refused._unsafeUnwrapErr()).toEqual({ kind: "session_not_found" });
      expect(await sessionsOf(quire, quire.author)).toHaveLength(1);
    },
  );

  it("fails with session_not_found for an unknown session", async () => {
    const quire = await openQuire();
    const actor = await signIn(quire, quire.author);
    const refused = await quire.app.revokeSession(actor, nextId<SessionId>());
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "session_not_found" });
  });
});

describe("listSessions", () => {
  it("returns the actor's own sessions only, also for an admin", async () => {
    const quire = await openQuire();
    await signIn(quire, quire.author);
    const actor = await signIn(quire, quire.admin);
    const { items } = (await quire.app.listSessions(actor, WHOLE_LIST))._unsafeUnwrap();
    expect(items.map(({ id }) => id)).toEqual([actor.sessionId]);
  });

  it("omits expired sessions", async () => {
    const quire = await openQuire();
    const actor = await signIn(quire, quire.author);
    quire.clock.advance(IDLE_MS - 1);
    expect((await quire.app.listSessions(actor, WHOLE_LIST))._unsafeUnwrap().items).toHaveLength(1);
    quire.clock.advance(1);
    expect((await quire.app.listSessions(actor, WHOLE_LIST))._unsafeUnwrap().items).toEqual([]);
  });

  it("returns every session once, newest first, over several pages", async () => {
    const quire = await openQuire();
    const [first, second, third] = [
      await signIn(quire, quire.author),
      await signIn(quire, quire.author),
      await signIn(quire, quire.author),
    ];
    const pages = await pagesOfTwo<SessionId, { readonly id: SessionId }>(async (page) =>
      quire.app.listSessions(first, page),
    );
    expect(pages.map((page) => page.map(({ id }) => id))).toEqual([
      [third.sessionId, second.sessionId],
      [first.sessionId],
    ]);
  });
});

describe("purgeExpiredSessions", () => {
  it("deletes the expired sessions of all users, and no others", async () => {
    const { quire, session, token } = await loggedIn();
    await signIn(quire, quire.author);
    await signIn(quire, quire.otherAuthor);
    quire.clock.advance(PRECISION_MS);
    (await quire.app.authenticate(token))._unsafeUnwrap();
    quire.clock.set(afterNow(IDLE_MS));
    (await quire.app.purgeExpiredSessions())._unsafeUnwrap();
    // At the earlier time none of the sessions had expired, so all remaining ones are listed.
    quire.clock.set(NOW);
    expect((await contentsOf(quire)).sessions.map(({ id }) => id)).toEqual([session.id]);
  });

  it("deletes no session before its expiry", async () => {
    const { quire } = await loggedIn();
    quire.clock.set(afterNow(IDLE_MS - 1));
    (await quire.app.purgeExpiredSessions())._unsafeUnwrap();
    expect(await sessionsOf(quire, quire.author)).toHaveLength(1);
  });
});
