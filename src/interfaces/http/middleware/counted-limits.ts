import type { Context } from "hono";
import type { Quota } from "../../../application/ports/rate-limiter.ts";
import { setHeader } from "../respond.ts";

/** A limit that a request was counted for, as the answer tells of it. */
interface CountedLimit {
  readonly policy: string;
  readonly left: string;
  /** The units that the request has taken of it. */
  readonly taken: number;
}

/** By their names. */
export type CountedLimits = Map<string, CountedLimit>;

interface Count {
  readonly name: string;
  readonly quota: number;
  readonly windowSeconds: number;
  /** The units that the request takes of it in all. */
  readonly cost: number;
  readonly left: Quota;
}

/** The units that a request has taken of a limit; `null` where it was not counted for it. */
export function takenOf(c: Context, name: string): number | null {
  return countedLimits(c).get(name)?.taken ?? null;
}

/**
 * Tells of a limit in the answer (draft-ietf-httpapi-ratelimit-headers-10, 3 and 4). Units are weighed requests. The draft
 * has no quota unit for those and allows no other than it registers, so that `qu` is left out, and what the request costs is
 * a parameter of Quire's own.
 */
export function noteLimit(c: Context, { name, quota, windowSeconds, cost, left }: Count): void {
  const counted = countedLimits(c);
  counted.set(name, {
    policy: `"${name}";q=${quota};w=${windowSeconds};quire-cost=${cost}`,
    left: `"${name}";r=${left.remaining};t=${left.resetSeconds}`,
    taken: left.isExceeded ? (takenOf(c, name) ?? 0) : cost,
  });
  c.set("countedLimits", counted);
  const limits = [...counted.values()];
  setHeader(c, "RateLimit-Policy", limits.map(({ policy }) => policy).join(", "));
  setHeader(c, "RateLimit", limits.map((limit) => limit.left).join(", "));
}

function countedLimits(c: Context): CountedLimits {
  return (c.get("countedLimits") as CountedLimits | undefined) ?? new Map<string, CountedLimit>();
}
