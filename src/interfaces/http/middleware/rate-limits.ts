import type { Context, Next } from "hono";
import { createMiddleware } from "hono/factory";
import { ok, ResultAsync, type Result } from "neverthrow";
import type * as z from "zod";
import type { Quota, RateLimiter, RatePolicy } from "../../../application/ports/rate-limiter.ts";
import { emailKey, parseEmailAddress } from "../../../domain/user/email-address.ts";
import type { StorageFailure } from "../../../domain/shared/storage-failure.ts";
import { noteLimit, takenUnits } from "./counted-limits.ts";
import { documented } from "../openapi/documented.ts";
import type { HttpEnv } from "../environment.ts";
import { logInAttempts } from "./log-in-attempts.ts";
import { failureProblem, problem } from "../problem/problem.ts";
import { limitConcurrencyByKey } from "./concurrency-by-key.ts";
import { HASH, type Cost } from "./rate-costs.ts";
import type { HttpSettings } from "../settings.ts";
import { validated } from "./validation.ts";

/** The address of a client, as rate limits count it. Only the server that runs the app can determine it. */
export type ClientAddress = (c: Context) => string;

/** Many users may log in from one address. Few users retry again and again, so few log in more often than this. */
const PASSWORDS_PER_LOG_IN = 10;
const WINDOW_SECONDS = 60;
/**
 * An address may run this many expensive requests at a time. It could spend its whole budget in one moment, and the embedded
 * engine runs one statement after the other. So other clients wait for two searches of an address, and not for all of its budget.
 */
const MAX_CONCURRENT_EXPENSIVE = 2;
/** A request that costs more than this is expensive. */
const EXPENSIVE_FROM_UNITS = 10;

export type RateLimits = ReturnType<typeof rateLimits>;

interface Dependencies {
  readonly limiter: (policy: RatePolicy) => RateLimiter;
  readonly settings: HttpSettings;
}

/** The remaining quota if the request exceeds it, and `null` otherwise. */
type Counted = Result<Quota | null, StorageFailure>;

/** A limiter in this process answers at once, so that the request goes on in the same turn. */
type Counting = Counted | PromiseLike<Counted>;

/** Counts a request. */
type Count = (c: Context<HttpEnv>) => Counting;

/** Runs the rest of the request, immediately or later. */
type Work = (c: Context<HttpEnv>, next: Next) => Promise<Response | void>;

/** Middleware that answers 429 when a rate limit is used up. Every answer shows the remaining quota. */
export function rateLimits({ limiter, settings: { requestsPerMinute, logInsPerMinute } }: Dependencies) {
  const budget = (name: string, quota: number, keyOf: (c: Context<HttpEnv>) => string | null) =>
    unitsOf({ name, quota, windowSeconds: WINDOW_SECONDS }, limiter, keyOf);

  const address = budget("address", requestsPerMinute, addressOf);
  const account = budget("account", requestsPerMinute, (c) => c.get("viewer")?.userId ?? null);
  const both = async (c: Context<HttpEnv>, units: number) =>
    firstRefusal([() => address(c, units), () => account(c, units)]);
  const passwords = budget("passwords", logInsPerMinute * PASSWORDS_PER_LOG_IN, addressOf);
  const runInSlot = limitConcurrencyByKey(MAX_CONCURRENT_EXPENSIVE);
  const withSlot: Work = async (c, next) => {
    const isExpensive = (takenUnits(c, "address") ?? 0) > EXPENSIVE_FROM_UNITS;
    if (!isExpensive || c.get("hasSlot") === true) return next();
    c.set("hasSlot", true);
    const { signal } = c.req.raw;
    // A client that has disconnected reads no answer, so its request is not begun.
    return runInSlot(addressOf(c), async () => (signal.aborted ? refusal(c, 1) : next()));
  };
  const attempt = logInAttempts(limiter, { name: "log-in", quota: logInsPerMinute, windowSeconds: WINDOW_SECONDS });

  return {
    /** Counts the unit of each request. It runs before authentication, so it limits guessed tokens too. */
    address: limit((c) => address(c, 1)),
    account: limit((c) => account(c, 1)),

    /**
     * Counts the further units of an operation. It runs after validation, because the cost depends on the input, and
     * before the work.
     */
    cost: ({ units, description }: Cost) =>
      limit(async (c) => both(c, units(c)), { cost: description, work: withSlot }),

    /** Limits password hashing, and guesses of one password for many users. */
    passwords: limit((c) => passwords(c, 1)),

    /** Limits the attempts to log in as the user whose e-mail address is in the body. `schema` is the schema of the body. */
    logIn: (schema: z.ZodType<{ readonly email: string }>) =>
      limit(async (c) => {
        const { email } = validated(c, schema);
        return attempt(c, { address: addressOf(c), user: parseEmailAddress(email).map(emailKey).unwrapOr("") });
      }),

    /**
     * Counts a request as a log-in attempt if its body passes `isAttempt`. Such a body has the current password, which
     * may be a guess, or a new e-mail address, because the answer shows whether another user has it. `schema` is the
     * schema of the body. A stolen session has no more attempts from many addresses than from one. When the attempts
     * are used up, the owner of the session logs in again.
     */
    reauthentication: <Schema extends z.ZodType>(schema: Schema, isAttempt: (body: z.output<Schema>) => boolean) =>
      limit(
        async (c) => {
          const viewer = c.get("viewer");
          if (viewer === null || !isAttempt(validated(c, schema))) return ok(null);
          const { userId: user, sessionId: session } = viewer;
          return firstRefusal([
            async () => (takenUnits(c, "passwords") === null ? passwords(c, 1) : ok(null)),
            async () => attempt(c, { address: addressOf(c), user, session }),
            async () => both(c, HASH.units(c)),
          ]);
        },
        { cost: `${HASH.description}, if one is compared`, work: withSlot },
      ),
  };
}

/** Counts in this order, until a limit is exceeded or a count fails. */
async function firstRefusal(counts: readonly (() => Counting)[]): Promise<Counted> {
  for (const count of counts) {
    const counted = await count();
    if (counted.isErr() || counted.value !== null) return counted;
  }
  return ok(null);
}

function addressOf(c: Context<HttpEnv>): string {
  return c.get("clientAddress");
}

/** Counts units by a key of the request; `null` as the key, or a quota of 0, means that there is no limit. */
function unitsOf(policy: RatePolicy, limiter: Dependencies["limiter"], keyOf: (c: Context<HttpEnv>) => string | null) {
  const { name, quota } = policy;
  const counter = quota === 0 ? null : limiter(policy);
  return (c: Context<HttpEnv>, units: number): Counting => {
    const key = counter === null ? null : keyOf(c);
    if (counter === null || key === null) return ok(null);
    const taken = takenUnits(c, name) ?? 0;
    // An operation that costs more than the quota needs the whole quota.
    const cost = Math.min(taken + units, quota);
    const note = (left: Quota): Quota | null => {
      noteLimit(c, { ...policy, cost, left });
      return left.isExceeded ? left : null;
    };
    const counting = counter.take(key, cost - taken);
    return counting instanceof ResultAsync ? counting.map(note) : counting.map(note);
  };
}

/**
 * A middleware that answers 429 when `count` returns a quota, with Retry-After until the quota is whole again. A request that cannot
 * be counted is refused too: the database that counts it is the one that the request needs.
 */
function limit(count: Count, { cost, work }: { readonly cost?: string; readonly work?: Work } = {}) {
  const middleware = createMiddleware<HttpEnv>(async (c, next) => {
    const counting = count(c);
    const counted = "then" in counting ? await counting : counting;
    if (counted.isErr()) return failureProblem(c, counted.error);
    const { value: left } = counted;
    if (left === null) return work === undefined ? next() : work(c, next);
    return refusal(c, left.resetSeconds);
  });
  return documented(middleware, {
    responseHeaders: ["RateLimit-Policy", "RateLimit"],
    problems: ["rate_limited"],
    problemHeaders: { rate_limited: "Retry-After" },
    ...(cost === undefined ? {} : { cost }),
  });
}

function refusal(c: Context, retryAfterSeconds: number) {
  return problem(c, "rate_limited", { headers: { "Retry-After": String(retryAfterSeconds) } });
}
