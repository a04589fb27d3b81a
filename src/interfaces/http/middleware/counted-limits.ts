import type { Context } from "hono";
import type { Quota } from "../../../application/ports/rate-limiter.ts";
import { setHeader } from "../respond.ts";

/** A rate limit that a request was counted for, as the answer shows it. */
interface CountedLimit {
  readonly policy: string;
  readonly left: string;
  /** The units that the request has taken of it. */
  readonly taken: number;
}

/** Rate limits by name. */
export type CountedLimits = Map<string, CountedLimit>;

interface Count {
  readonly name: string;
  readonly quota: number;
  readonly windowSeconds: number;
  /** The units that the request takes of it in all. */
  readonly cost: number;
  readonly left: Quota;
}

/** The units that a request has taken from a limit; `null` if it was not counted for it. */
export function takenUnits(c: Context, name: string): number | null {
  return countedLimits(c).get(name)?.taken ?? null;
}

/**
 * Shows a limit in the answer (draft-ietf-httpapi-ratelimit-headers-10, 3 and 4). Units are weighted requests. The draft
 * registers no quota unit for these and allows no others, so `qu` is left out. The cost of the request is a parameter of
 * Quire's own.
 */
export function noteLimit(c: Context, { name, quota, windowSeconds, cost, left }: Count): void {
  const counted = countedLimits(c);
  counted.set(name, {
    policy: `"${name}";q=${quota};w=${windowSeconds};quire-cost=${cost}`,
    left: `"${name}";r=${left.remaining};t=${left.resetSeconds}`,
    taken: left.isExceeded ? (takenUnits(c, name) ?? 0) : cost,
  });
  c.set("countedLimits", counted);
  const limits = [...counted.values()];
  setHeader(c, "RateLimit-Policy", limits.map(({ policy }) => policy).join(", "));
  setHeader(c, "RateLimit", limits.map((limit) => limit.left).join(", "));
}

function countedLimits(c: Context): CountedLimits {
  return (c.get("countedLimits") as CountedLimits | undefined) ?? new Map<string, CountedLimit>();
}
