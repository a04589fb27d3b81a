import { err, ok, safeTry, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { ownProfile, type UserProfile } from "../../domain/access.ts";
import { parseEmailAddress } from "../../domain/user/email-address.ts";
import type { SessionId } from "../../domain/shared/id.ts";
import { parsePassword, type Password, type PasswordHash } from "../../domain/user/password.ts";
import { newSession, type Session, type SessionToken } from "../../domain/session/session.ts";
import { MAX_SESSIONS_PER_USER } from "../../domain/session/session-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { User } from "../../domain/user/user.ts";
import type { UserNotFound, UserRepository } from "../../domain/user/user-repository.ts";
import type { VersionConflict } from "../../domain/shared/version.ts";
import type { Commit, CommitError } from "../idempotency/commit.ts";
import { retryLostRaces } from "../optimistic-concurrency.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdGenerator } from "../ports/id-generator.ts";
import type { PasswordHasher, PasswordHashingError } from "../ports/password-hasher.ts";
import type { SessionTokens } from "../ports/session-tokens.ts";
import type { UnitOfWork } from "../ports/unit-of-work.ts";

/** No user has this address and this password. Which of the two is wrong is not told. */
export interface InvalidCredentials {
  readonly kind: "invalid_credentials";
}

export interface LogInInput {
  readonly email: string;
  readonly password: string;
}

export interface LoggedIn {
  readonly session: Session;
  readonly token: SessionToken;
  readonly user: UserProfile;
}

export type LogInError = InvalidCredentials | VersionConflict | PasswordHashingError | CommitError;

/** One log-in makes one session too many at most; more than that were there before there was a bound. */
const MAX_ENDED_SESSIONS = 100;

export interface LogInDependencies {
  readonly users: UserRepository;
  readonly unitOfWork: UnitOfWork;
  readonly hasher: PasswordHasher;
  readonly tokens: SessionTokens;
  readonly ids: IdGenerator;
  readonly clock: Clock;
  readonly sessionIdleMs: number;
}

/**
 * Opens a session. A password is compared whether the address exists or not, so that the time does not tell; what
 * cannot be anybody's address or password is refused at once, for it tells nothing.
 */
export function logIn(dependencies: LogInDependencies) {
  const { users, unitOfWork, tokens, ids, clock, sessionIdleMs } = dependencies;
  return async (
    input: LogInInput,
    commit: Commit<LoggedIn> = async (write) => unitOfWork.run(write),
  ): Promise<Result<LoggedIn, LogInError>> =>
    retryLostRaces<LoggedIn, LogInError>(async () =>
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
        return commit(async (repositories) =>
          safeTry<LoggedIn, LogInError>(async function* () {
            // While it was compared the password may have been changed, which has revoked every session, or its hash
            // upgraded by another log-in. Either way the comparison is made again, with the hash that is stored now.
            const current = yield* nullWhenNotFound(await repositories.users.findById(user.id));
            if (current?.passwordHash !== user.passwordHash) return fail({ kind: "version_conflict" });
            if (upgradedHash !== null) {
              yield* await repositories.users.upgradePasswordHash(user.id, user.passwordHash, upgradedHash);
            }
            yield* (await repositories.sessions.insert(session)).mapErr(invalidWhenNotFound);
            yield* await repositories.sessions.deleteOldest(user.id, MAX_SESSIONS_PER_USER, MAX_ENDED_SESSIONS);
            return ok({ session, token, user: ownProfile(user) });
          }),
        );
      }),
    );
}

/** Gives the hash to store instead of an outdated one, `null` when the stored one may stay. */
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
      // The next log-in upgrades it: registrations, which wait for new hashes too, keep nobody from logging in.
      return upgraded.orElse((failure) => (failure.kind === "password_hashing_busy" ? ok(null) : err(failure)));
    }
    case "mismatch":
      return fail({ kind: "invalid_credentials" });
  }
}

function nullWhenNotFound(found: Result<User, UserNotFound | StorageFailure>): Result<User | null, StorageFailure> {
  return found.orElse((failure) => (failure.kind === "user_not_found" ? ok(null) : err(failure)));
}

function invalidWhenNotFound(failure: UserNotFound | StorageFailure): InvalidCredentials | StorageFailure {
  return failure.kind === "user_not_found" ? { kind: "invalid_credentials" } : failure;
}
