import { ok, safeTry, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import type { Actor } from "../../domain/access.ts";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import { isExpired, touchSession } from "../../domain/session/session.ts";
import type { SessionNotFound, SessionRepository } from "../../domain/session/session-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { UserNotFound, UserRepository } from "../../domain/user/user-repository.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { SessionTokens } from "../ports/session-tokens.ts";

/** The token belongs to no session, or the session was revoked or has expired. */
export interface InvalidSession {
  readonly kind: "invalid_session";
}

export type AuthenticateError = InvalidSession | StorageFailure;

export interface AuthenticateDependencies {
  readonly sessions: SessionRepository;
  readonly users: UserRepository;
  readonly tokens: SessionTokens;
  readonly clock: Clock;
  readonly log: Log;
  readonly sessionIdleMs: number;
}

/** Finds the user that a token belongs to, and renews the session. The signal cancels only the reads. */
export function authenticate({ sessions, users, tokens, clock, log, sessionIdleMs }: AuthenticateDependencies) {
  return async (token: string, signal?: AbortSignal): Promise<Result<Actor, AuthenticateError>> =>
    safeTry(async function* () {
      const now = clock.now();
      const digest = await tokens.digest(token);
      const session = yield* (await sessions.findByTokenDigest(digest, signal)).mapErr(invalidWhenNotFound);
      if (isExpired(session, now)) return fail({ kind: "invalid_session" });
      const user = yield* (await users.findById(session.userId, signal)).mapErr(invalidWhenNotFound);
      const touched = touchSession(session, now, sessionIdleMs);
      if (touched !== session) {
        const renewed = await sessions.renew(touched);
        if (renewed.isErr()) {
          if (renewed.error.kind === "session_not_found") return fail({ kind: "invalid_session" });
          // While the store cannot write, users with a session can still read.
          log.warn({ sessionId: session.id, failure: renewed.error }, "session not renewed");
        }
      }
      return ok({ userId: user.id, role: user.role, sessionId: session.id });
    });
}

function invalidWhenNotFound(failure: SessionNotFound | UserNotFound | StorageFailure): AuthenticateError {
  return failure.kind === "session_not_found" || failure.kind === "user_not_found"
    ? { kind: "invalid_session" }
    : failure;
}
