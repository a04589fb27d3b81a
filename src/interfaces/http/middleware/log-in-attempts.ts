import type { Context } from "hono";
import { ok, safeTry, type Result } from "neverthrow";
import type { Quota, RateLimiter, RatePolicy } from "../../../application/ports/rate-limiter.ts";
import type { StorageFailure } from "../../../domain/shared/storage-failure.ts";
import { noteLimit } from "./counted-limits.ts";
import type { HttpEnv } from "../environment.ts";

/** This many addresses may use up their attempts for one user; then each address has one attempt per window. */
const ADDRESSES_PER_USER = 10;

interface Attempt {
  readonly address: string;
  /** The claimed user: the key of an e-mail address, or an id. */
  readonly user: string;
  /** The session of the attempt, if there is one. */
  readonly session?: string;
}

/**
 * Counts log-in attempts by client address and user, so that an attacker cannot lock out a user who comes from another
 * address. When many addresses try the same user, each has a single attempt per window. The user also has one, which
 * is enough. Attempts in a session also count for the session, from any address.
 *
 * With a quota of 0 nothing is counted.
 *
 * @returns A function that counts an attempt. It returns the remaining quota if the attempt exceeds it, and `null` otherwise.
 */
export function logInAttempts(limiter: (policy: RatePolicy) => RateLimiter, policy: RatePolicy) {
  const { name, quota } = policy;
  const counter = limiter(policy);
  const ofUsers = limiter({ ...policy, name: `${name} of a user`, quota: quota * ADDRESSES_PER_USER });

  const count = async ({ address, user, session }: Attempt): Promise<Result<Quota, StorageFailure>> =>
    safeTry(async function* () {
      const own = yield* await counter.take(`${address} ${user}`);
      if (own.isExceeded) return ok(own);
      const isFirst = own.remaining === quota - 1;
      const ofUser = yield* await ofUsers.take(user);
      if (ofUser.isExceeded && !isFirst) return ok({ ...own, isExceeded: true, remaining: 0 });
      if (session === undefined) return ok(own);
      const ofSession = yield* await counter.take(session);
      return ok(ofSession.remaining < own.remaining || ofSession.isExceeded ? ofSession : own);
    });

  return async (c: Context<HttpEnv>, attempt: Attempt): Promise<Result<Quota | null, StorageFailure>> => {
    if (quota === 0) return ok(null);
    const counted = await count(attempt);
    return counted.map((left) => {
      noteLimit(c, { ...policy, cost: 1, left });
      return left.isExceeded ? left : null;
    });
  };
}
