import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SessionId, UserId } from "../../../src/domain/shared/id.ts";
import { isExpired, newSession, touchSession, type TokenDigest } from "../../../src/domain/session/session.ts";
import { aSession, DAY_MS, nextId, NOW } from "../../../src/testing/fixtures.ts";

const IDLE_MS = 30 * DAY_MS;
const PRECISION_MS = IDLE_MS / 100;

const after = (ms: number, start = NOW) => new Date(start.getTime() + ms);

describe("newSession", () => {
  it("begins now and expires after the idle time", () => {
    const fields = { id: nextId<SessionId>(), userId: nextId<UserId>(), tokenDigest: "ab" as TokenDigest };
    expect(newSession(fields, NOW, IDLE_MS)).toEqual({
      ...fields,
      createdAt: NOW,
      lastUsedAt: NOW,
      expiresAt: after(IDLE_MS),
    });
  });
});

describe("isExpired", () => {
  const session = aSession(nextId<UserId>(), "ab", IDLE_MS);

  it.each([
    ["at the beginning of a session", 0, false],
    ["a millisecond before the expiry", IDLE_MS - 1, false],
    ["at the expiry", IDLE_MS, true],
    ["after the expiry", IDLE_MS + 1, true],
  ])("%s, after %i ms, returns %s", (_case, ms, expired) => {
    expect(isExpired(session, after(ms))).toBe(expired);
  });
});

describe("touchSession", () => {
  const session = Object.freeze(aSession(nextId<UserId>(), "ab", IDLE_MS));

  it.each([
    ["at once", 0],
    ["a millisecond before a hundredth of the idle time has passed", PRECISION_MS - 1],
    ["after the clock was set back", -DAY_MS],
  ])("returns the same object for a session that is used %s", (_case, ms) => {
    expect(touchSession(session, after(ms), IDLE_MS)).toBe(session);
  });

  it.each([
    ["when a hundredth of the idle time has passed", PRECISION_MS],
    ["a day later", DAY_MS],
    ["a millisecond before the expiry", IDLE_MS - 1],
  ])("moves the expiry and the last use of a session %s, and no other field", (_case, ms) => {
    expect(touchSession(session, after(ms), IDLE_MS)).toEqual({
      ...session,
      lastUsedAt: after(ms),
      expiresAt: after(ms + IDLE_MS),
    });
  });

  it("measures from the last renewal and not from the beginning", () => {
    const renewed = touchSession(session, after(DAY_MS), IDLE_MS);
    expect(touchSession(renewed, after(DAY_MS + PRECISION_MS - 1), IDLE_MS)).toBe(renewed);
  });

  it("applies the idle time that is configured now", () => {
    expect(touchSession(session, after(DAY_MS), DAY_MS).expiresAt).toEqual(after(2 * DAY_MS));
  });

  it("never expires a used session more than a hundredth of the idle time too early", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: IDLE_MS - PRECISION_MS })), (pauses) => {
        let now = NOW;
        let used = session;
        for (const pause of pauses) {
          now = after(pause, now);
          expect(isExpired(used, now)).toBe(false);
          used = touchSession(used, now, IDLE_MS);
          const leftMs = used.expiresAt.getTime() - now.getTime();
          expect(leftMs).toBeLessThanOrEqual(IDLE_MS);
          expect(leftMs).toBeGreaterThan(IDLE_MS - PRECISION_MS);
        }
      }),
    );
  });
});
