import type { Context, Next } from "hono";
import { createMiddleware } from "hono/factory";
import type { Quota, RateLimiter, RatePolicy } from "../../../application/ports/rate-limiter.ts";
import { emailKey, parseEmailAddress } from "../../../domain/user/email-address.ts";
import { noteLimit, takenOf } from "./counted-limits.ts";
import { documented } from "../openapi/documented.ts";
import type { HttpEnv } from "../environment.ts";
import { logInAttempts } from "./log-in-attempts.ts";
import { problem } from "../problem.ts";
import { HASH, type Cost } from "./rate-costs.ts";
import type { HttpSettings } from "../settings.ts";
import { turnsByKey } from "./turns.ts";

/** From where a request comes, as addresses are counted: only what serves the API knows. */
export type ClientAddress = (c: Context) => string;

/** Behind one address there may be many who log in, but not many more than this for each who tries again and again. */
const PASSWORDS_PER_LOG_IN = 10;
const WINDOW_SECONDS = 60;
/**
 * How many requests of one address are worked on at a time that cost more than WEIGHTY_UNITS. A budget can be spent at once, and
 * the embedded engine does one thing after the other: so others wait for two searches of an address, and not for 285.
 */
const MAX_WEIGHTY_AT_ONCE = 2;
const WEIGHTY_UNITS = 20;

export type RateLimits = ReturnType<typeof rateLimits>;

interface Dependencies {
  readonly limiter: (policy: RatePolicy) => RateLimiter;
  readonly clientAddress: ClientAddress;
  readonly settings: HttpSettings;
}

/** Counts a request, and gives what is left where the request is too much. */
type Count = (c: Context<HttpEnv>) => Quota | null;

/** Does what comes after a limit, at once or later. */
type Work = (c: Context<HttpEnv>, next: Next) => Promise<Response | void>;

/** Refuses with 429 what is too much; each answer says how much is left. */
export function rateLimits({ limiter, clientAddress, settings: { requestsPerMinute, logInsPerMinute } }: Dependencies) {
  const budget = (name: string, quota: number, keyOf: (c: Context<HttpEnv>) => string | null) =>
    unitsOf({ name, quota, windowSeconds: WINDOW_SECONDS }, limiter, keyOf);

  const address = budget("address", requestsPerMinute, clientAddress);
  const account = budget("account", requestsPerMinute, (c) => c.get("viewer")?.userId ?? null);
  const both = (c: Context<HttpEnv>, units: number) => address(c, units) ?? account(c, units);
  const passwords = budget("passwords", logInsPerMinute * PASSWORDS_PER_LOG_IN, clientAddress);
  const takeTurn = turnsByKey(MAX_WEIGHTY_AT_ONCE);
  const inTurn: Work = async (c, next) => {
    const isWeighty = (takenOf(c, "address") ?? 0) > WEIGHTY_UNITS;
    if (!isWeighty || c.get("hasTurn") === true) return next();
    c.set("hasTurn", true);
    const { signal } = c.req.raw;
    // A client that has gone meanwhile reads no answer, so nothing is done for it.
    return takeTurn(clientAddress(c), async () => (signal.aborted ? refusal(c, 1) : next()));
  };
  const attempt = logInAttempts(limiter, { quota: logInsPerMinute, windowSeconds: WINDOW_SECONDS });

  return {
    /** Takes the unit of each request. It stands before the token is read, so that it holds for guessed tokens too. */
    address: limit((c) => address(c, 1)),
    account: limit((c) => account(c, 1)),

    /** Takes the further units of an operation: once it is known what is asked for, and before it is done. */
    cost: ({ units, description }: Cost) => limit((c) => both(c, units(c)), { cost: description, work: inTurn }),

    /** For all that hashes a password, and so that nobody tries one password with everybody. */
    passwords: limit((c) => passwords(c, 1)),

    /** For an attempt to log in as the user that the body names. It stands behind the body's validator. */
    logIn: limit((c) => {
      const { email } = c.req.valid("json" as never) as { readonly email: string };
      return attempt(c, { address: clientAddress(c), user: parseEmailAddress(email).map(emailKey).unwrapOr("") });
    }),

    /**
     * Counts a request as an attempt to log in, where `isAttempt`: one that gives the current password, which could be
     * guessed, or a new e-mail address, whose answer tells if somebody has it. It stands behind `requireActor` and the
     * validators. A session that was stolen has no more attempts from many addresses than from one; where they are used
     * up, its owner logs in anew.
     */
    reauthentication: (isAttempt: (c: Context<HttpEnv>) => boolean = () => true) =>
      limit(
        (c) => {
          const viewer = c.get("viewer");
          if (viewer === null || !isAttempt(c)) return null;
          const { userId: user, sessionId: session } = viewer;
          return (
            (takenOf(c, "passwords") === null ? passwords(c, 1) : null) ??
            attempt(c, { address: clientAddress(c), user, session }) ??
            both(c, HASH.units(c))
          );
        },
        { cost: `${HASH.description}, where one is compared`, work: inTurn },
      ),
  };
}

/** Counts units by one key of a request: `null` for a request that is not limited. With a quota of 0 none is. */
function unitsOf(
  policy: RatePolicy & { readonly name: string },
  limiter: Dependencies["limiter"],
  keyOf: (c: Context<HttpEnv>) => string | null,
) {
  const { name, quota } = policy;
  const counter = quota === 0 ? null : limiter(policy);
  return (c: Context<HttpEnv>, units: number): Quota | null => {
    const key = counter === null ? null : keyOf(c);
    if (counter === null || key === null) return null;
    const taken = takenOf(c, name) ?? 0;
    // An operation that costs more than a quota is possible with a whole one.
    const cost = Math.min(taken + units, quota);
    const left = counter.take(key, cost - taken);
    noteLimit(c, { ...policy, cost, left });
    return left.isExceeded ? left : null;
  };
}

/** A middleware that answers 429 where `count` gives what is left, and says in how many seconds there is a whole quota. */
function limit(count: Count, { cost, work }: { readonly cost?: string; readonly work?: Work } = {}) {
  const middleware = createMiddleware<HttpEnv>(async (c, next) => {
    const left = count(c);
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
