import { err, ok, safeTry, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { ownProfile } from "../../domain/user/user-profile.ts";
import { parseEmailAddress } from "../../domain/user/email-address.ts";
import type { SessionId } from "../../domain/shared/id.ts";
import { parsePassword, type Password, type PasswordHash } from "../../domain/user/password.ts";
import { newSession, type Session } from "../../domain/session/session.ts";
import { MAX_SESSIONS_PER_USER } from "../../domain/session/session-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { User } from "../../domain/user/user.ts";
import type { UserNotFound, UserRepository } from "../../domain/user/user-repository.ts";
import type { VersionConflict } from "../../domain/shared/version.ts";
import type { Idempotency, IdempotencyError, Outcome } from "../idempotency/idempotency.ts";
import type { IdempotentCommits } from "../idempotency/idempotent-commits.ts";
import { retryLostRaces } from "../optimistic-concurrency.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdGenerator } from "../ports/id-generator.ts";
import type { PasswordHasher, PasswordHashingError } from "../ports/password-hasher.ts";
import type { SessionTokens } from "../ports/session-tokens.ts";
import type { Repositories } from "../ports/unit-of-work.ts";
import { authenticate, type AuthenticateDependencies } from "./authenticate.ts";
import { LOGGED_IN_SNAPSHOT, type LoggedIn } from "./logged-in.ts";

/** No user has this address and this password. The error does not reveal which of the two is wrong. */
export interface InvalidCredentials {
  readonly kind: "invalid_credentials";
}

export interface LogInInput {
  readonly email: string;
  readonly password: string;
}

export type LogInError = InvalidCredentials | VersionConflict | PasswordHashingError | IdempotencyError;

/** A log-in exceeds the maximum by one session. An account that is older than the maximum may exceed it by more. */
const MAX_REVOKED_SESSIONS = 100;

export interface LogInDependencies extends AuthenticateDependencies {
  readonly users: UserRepository;
  readonly commits: IdempotentCommits;
  readonly hasher: PasswordHasher;
  readonly tokens: SessionTokens;
  readonly ids: IdGenerator;
  readonly clock: Clock;
  readonly sessionIdleMs: number;
}

/**
 * Opens a session. A password is compared whether the address exists or not, so that the response time does not reveal
 * which addresses exist. An invalid address or password is refused immediately, because that reveals nothing.
 */
export function logIn(dependencies: LogInDependencies) {
  const { users, commits, tokens, ids, clock, sessionIdleMs } = dependencies;
  const requireActiveSession = authenticate(dependencies);
  return async (input: LogInInput, idempotency: Idempotency | null): Promise<Result<Outcome<LoggedIn>, LogInError>> =>
    retryLostRaces<Outcome<LoggedIn>, LogInError>(async () =>
      safeTry(async function* () {
        const email = parseEmailAddress(input.email);
        const password = parsePassword(input.password);
        if (email.isErr() || password.isErr()) return fail({ kind: "invalid_credentials" });

        const user = yield* nullWhenNotFound(await users.findByEmail(email.value));
        const upgradedHash = yield* await verifyPassword(dependencies, password.value, user?.passwordHash ?? null);
        if (user === null) return fail({ kind: "invalid_credentials" });

        const { token, digest } = await tokens.issue();
        const session = newSession(
          { id: ids.next<SessionId>(), userId: user.id, tokenDigest: digest },
          clock.now(),
          sessionIdleMs,
        );
        const outcome = yield* await commits.commit<LoggedIn, LogInError>(idempotency, {
          write: async (repositories) =>
            (await openSession(repositories, { user, session, upgradedHash })).map(() => ({
              id: session.id,
              token,
              expiresAt: session.expiresAt,
              user: ownProfile(user),
            })),
          snapshot: LOGGED_IN_SNAPSHOT,
          userId: user.id,
          isUnit: true,
        });
        // The session of a repeated log-in may have been revoked, or may have expired.
        if (outcome.isReplayed) yield* await requireActiveSession(outcome.value.token);
        return ok(outcome);
      }),
    );
}

interface NewSession {
  readonly user: User;
  readonly session: Session;
  readonly upgradedHash: PasswordHash | null;
}

async function openSession(
  { users, sessions }: Repositories,
  { user, session, upgradedHash }: NewSession,
): Promise<Result<void, LogInError>> {
  return safeTry<void, LogInError>(async function* () {
    if (upgradedHash !== null) yield* await users.upgradePasswordHash(user.id, user.passwordHash, upgradedHash);
    // The password or the address may have been changed during the comparison, which revoked every session. Then the user has
    // another version, and the comparison runs again.
    const inserted = await sessions.insert(session, user.version);
    yield* inserted.mapErr((failure): LogInError =>
      failure.kind === "user_not_found" ? { kind: "invalid_credentials" } : failure,
    );
    yield* await sessions.deleteOldest(user.id, MAX_SESSIONS_PER_USER, MAX_REVOKED_SESSIONS);
    return ok();
  });
}

/** Returns the hash to store instead of an outdated one, or `null` when the stored one is current. */
async function verifyPassword(
  { hasher }: LogInDependencies,
  password: Password,
  stored: PasswordHash | null,
): Promise<Result<PasswordHash | null, InvalidCredentials | PasswordHashingError>> {
  const verdict = await hasher.verify(password, stored);
  if (verdict.isErr()) return err(verdict.error);
  switch (verdict.value) {
    case "match":
      return ok(null);
    case "outdated": {
      const upgraded = await hasher.hash(password);
      // A busy queue of new hashes must not prevent a log-in. The next log-in upgrades the hash.
      return upgraded.orElse((failure) => (failure.kind === "password_hashing_busy" ? ok(null) : err(failure)));
    }
    case "mismatch":
      return fail({ kind: "invalid_credentials" });
  }
}

function nullWhenNotFound(found: Result<User, UserNotFound | StorageFailure>): Result<User | null, StorageFailure> {
  return found.orElse((failure) => (failure.kind === "user_not_found" ? ok(null) : err(failure)));
}
