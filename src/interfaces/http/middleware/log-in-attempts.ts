import type { Context } from "hono";
import type { Quota, RateLimiter, RatePolicy } from "../../../application/ports/rate-limiter.ts";
import { noteLimit } from "./counted-limits.ts";
import type { HttpEnv } from "../environment.ts";

/** How many addresses may use up their attempts as one user before each address has one attempt in a window. */
const ADDRESSES_PER_USER = 10;

interface Attempt {
  readonly address: string;
  /** The user that somebody claims to be: by the key of an e-mail address, or by an id. */
  readonly user: string;
  /** The session in which it is attempted, where there is one. */
  readonly session?: string;
}

/**
 * Counts attempts to prove that one is a user, by the address that they come from, so that nobody can keep a user out who
 * comes from another one. Where many addresses try the same user, each has a single attempt in a window: that much the user
 * has at any time too, and needs no more. Attempts in a session are counted for the session as well, wherever it is used.
 *
 * With a quota of 0 nothing is counted.
 *
 * @returns A function that counts an attempt, and gives what is left where it is one too many.
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
