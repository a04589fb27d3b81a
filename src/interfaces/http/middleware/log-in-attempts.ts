import type { Context } from "hono";
import type { Quota, RateLimiter, RatePolicy } from "../../../application/ports/rate-limiter.ts";
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
 * @returns A function that counts an attempt. It returns the remaining quota if the attempt exceeds it.
 */
export function logInAttempts(limiter: (policy: RatePolicy) => RateLimiter, { quota, windowSeconds }: RatePolicy) {
  const name = "log-in";
  const counter = limiter({ quota, windowSeconds });
  const ofUsers = limiter({ quota: quota * ADDRESSES_PER_USER, windowSeconds });

  const count = ({ address, user, session }: Attempt): Quota => {
    const own = counter.take(`${address} ${user}`);
    if (own.isExceeded) return own;
    const isFirst = own.remaining === quota - 1;
    if (ofUsers.take(user).isExceeded && !isFirst) return { ...own, isExceeded: true, remaining: 0 };
    if (session === undefined) return own;
    const ofSession = counter.take(session);
    return ofSession.remaining < own.remaining || ofSession.isExceeded ? ofSession : own;
  };

  return (c: Context<HttpEnv>, attempt: Attempt): Quota | null => {
    if (quota === 0) return null;
    const left = count(attempt);
    noteLimit(c, { name, quota, windowSeconds, cost: 1, left });
    return left.isExceeded ? left : null;
  };
}
