import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { RateLimiter, RatePolicy } from "../../application/ports/rate-limiter.ts";
import { emailKey, parseEmailAddress } from "../../domain/email-address.ts";
import { documented } from "./documented.ts";
import type { HttpEnv } from "./environment.ts";
import { problem } from "./problem.ts";
import { appendHeader } from "./respond.ts";
import type { HttpSettings } from "./settings.ts";

/** From where a request comes, as addresses are counted: only what serves the API knows. */
export type ClientAddress = (c: Context) => string;

/** Behind one address there may be many who log in, but not many more than this for each who tries again and again. */
const PASSWORDS_PER_LOG_IN = 10;
const WINDOW_SECONDS = 60;

export type RateLimits = ReturnType<typeof rateLimits>;

interface Dependencies {
  readonly limiter: (policy: RatePolicy) => RateLimiter;
  readonly clientAddress: ClientAddress;
  readonly settings: HttpSettings;
}

/** What refuses with 429 who asks too often; each answer says how much is left. */
export function rateLimits({ limiter, clientAddress, settings }: Dependencies) {
  /** Limits what comes of one key; `null` is not limited. */
  const limit = (name: string, quota: number, keyOf: (c: Context) => string | null) => {
    const counter = quota === 0 ? null : limiter({ quota, windowSeconds: WINDOW_SECONDS });
    const policy = `"${name}";q=${quota};w=${WINDOW_SECONDS}`;
    const middleware = createMiddleware<HttpEnv>(async (c, next) => {
      const key = counter === null ? null : keyOf(c);
      if (counter === null || key === null) return next();
      const { isExceeded, remaining, resetSeconds } = counter.take(key);
      // draft-ietf-httpapi-ratelimit-headers-10, 3 and 4.
      appendHeader(c, "RateLimit-Policy", policy);
      appendHeader(c, "RateLimit", `"${name}";r=${remaining};t=${resetSeconds}`);
      return isExceeded ? problem(c, "rate_limited", { headers: { "Retry-After": String(resetSeconds) } }) : next();
    });
    return documented(middleware, {
      responseHeaders: ["RateLimit-Policy", "RateLimit"],
      problems: ["rate_limited"],
      problemHeaders: { rate_limited: "Retry-After" },
    });
  };
  const { requestsPerMinute, logInsPerMinute } = settings;
  return {
    /** Stands before it is known who asks, so that it holds for who tries tokens too. */
    address: limit("address", requestsPerMinute, clientAddress),
    account: limit("account", requestsPerMinute, (c: Context<HttpEnv>) => c.get("viewer")?.userId ?? null),
    /** By address as well, so that nobody can keep others from logging in. It stands behind the body's validator. */
    logIn: limit("log-in", logInsPerMinute, (c) => {
      const { email } = c.req.valid("json" as never) as { readonly email: string };
      return `${clientAddress(c)} ${parseEmailAddress(email).map(emailKey).unwrapOr("")}`;
    }),
    /** For all that hashes a password, which is slow on purpose; and so that nobody tries one password with everybody. */
    passwords: limit("passwords", logInsPerMinute * PASSWORDS_PER_LOG_IN, clientAddress),
  };
}
