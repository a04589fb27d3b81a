import { ok, safeTry, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import type { Actor } from "../../domain/access.ts";
import { isExpired, touchSession } from "../../domain/session/session.ts";
import type { SessionNotFound, SessionRepository } from "../../domain/session/session-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { UserNotFound, UserRepository } from "../../domain/user/user-repository.ts";
import type { Clock } from "../ports/clock.ts";
import type { SessionTokens } from "../ports/session-tokens.ts";

/** The token belongs to no session, or to one that was revoked or has expired. */
export interface InvalidSession {
  readonly kind: "invalid_session";
}

export type AuthenticateError = InvalidSession | StorageFailure;

export interface AuthenticateDependencies {
  readonly sessions: SessionRepository;
  readonly users: UserRepository;
  readonly tokens: SessionTokens;
  readonly clock: Clock;
  readonly sessionIdleMs: number;
}

/** Finds who acts with a token, and keeps their session alive. */
export function authenticate({ sessions, users, tokens, clock, sessionIdleMs }: AuthenticateDependencies) {
  return async (token: string): Promise<Result<Actor, AuthenticateError>> =>
    safeTry(async function* () {
      const now = clock.now();
      const session = yield* (await sessions.findByTokenDigest(await tokens.digest(token))).mapErr(invalidWhenNotFound);
      if (isExpired(session, now)) return fail({ kind: "invalid_session" });
      const user = yield* (await users.findById(session.userId)).mapErr(invalidWhenNotFound);
      const touched = touchSession(session, now, sessionIdleMs);
      if (touched !== session) {
        const renewed = await sessions.renew(touched);
        // A store that cannot write at the moment still knows who is logged in, and lets them read.
        if (renewed.isErr() && renewed.error.kind === "session_not_found") return fail({ kind: "invalid_session" });
      }
      return ok({ userId: user.id, role: user.role, sessionId: session.id });
    });
}

function invalidWhenNotFound(failure: SessionNotFound | UserNotFound | StorageFailure): AuthenticateError {
  return failure.kind === "session_not_found" || failure.kind === "user_not_found"
    ? { kind: "invalid_session" }
    : failure;
}
