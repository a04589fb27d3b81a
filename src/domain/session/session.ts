import type { Branded } from "../shared/branded.ts";
import type { SessionId, UserId } from "../shared/id.ts";

/** The credential of a client: 256 random bits as base64url. It is shown once and never stored. */
export type SessionToken = Branded<string, "SessionToken">;

const SESSION_TOKEN = /^[\w-]{43}$/;

export function isSessionToken(text: string): text is SessionToken {
  return SESSION_TOKEN.test(text);
}

/** The SHA-256 of a token as lower-case hexadecimal. A token has 256 random bits, so the digest needs no salt. */
export type TokenDigest = Branded<string, "TokenDigest">;

export interface Session {
  readonly id: SessionId;
  readonly userId: UserId;
  readonly tokenDigest: TokenDigest;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
}

export function newSession(fields: Pick<Session, "id" | "userId" | "tokenDigest">, now: Date, idleMs: number): Session {
  return { ...fields, createdAt: now, lastUsedAt: now, expiresAt: after(now, idleMs) };
}

export function isExpired(session: Session, now: Date): boolean {
  return session.expiresAt.getTime() <= now.getTime();
}

// Bounds the writes for renewals. The precision of a session's expiry is a hundredth of the idle time.
const RENEWALS_PER_IDLE_TIME = 100;

/** Returns the session renewed at `now`, or the same object when the last renewal is recent. */
export function touchSession(session: Session, now: Date, idleMs: number): Session {
  const sinceRenewalMs = now.getTime() - session.lastUsedAt.getTime();
  if (sinceRenewalMs < idleMs / RENEWALS_PER_IDLE_TIME) return session;
  return { ...session, lastUsedAt: now, expiresAt: after(now, idleMs) };
}

function after(now: Date, ms: number): Date {
  return new Date(now.getTime() + ms);
}
