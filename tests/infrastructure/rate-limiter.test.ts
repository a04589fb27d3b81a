import { describe, expect, it } from "vitest";
import { rateLimiter } from "../../src/infrastructure/rate-limiter.ts";
import { testClock } from "../support/fixtures.ts";

const HOUR_MS = 3_600_000;

function limiterOf(quota: number) {
  const clock = testClock();
  return { clock, limiter: rateLimiter(clock, { quota, windowSeconds: 60 }) };
}

describe("the rate limiter", () => {
  it("lets the quota pass in a window that begins with the first, and then none", () => {
    const { clock, limiter } = limiterOf(2);
    expect(limiter.take("a")).toEqual({ isExceeded: false, remaining: 1, resetSeconds: 60 });
    clock.advance(1);
    expect(limiter.take("a")).toEqual({ isExceeded: false, remaining: 0, resetSeconds: 60 });
    clock.advance(59_998);
    expect(limiter.take("a")).toEqual({ isExceeded: true, remaining: 0, resetSeconds: 1 });
    clock.advance(1);
    expect(limiter.take("a")).toEqual({ isExceeded: false, remaining: 1, resetSeconds: 60 });
  });

  it("counts each key for itself", () => {
    const { limiter } = limiterOf(1);
    limiter.take("a");
    expect(limiter.take("a").isExceeded).toBe(true);
    expect(limiter.take("b").isExceeded).toBe(false);
  });

  it("keeps nobody waiting for a clock that was set back", () => {
    const { clock, limiter } = limiterOf(1);
    limiter.take("a");
    limiter.take("a");
    clock.advance(-HOUR_MS);
    expect(limiter.take("a")).toEqual({ isExceeded: false, remaining: 0, resetSeconds: 60 });
  });

  it("forgets who was seen longest ago when there are too many", () => {
    const { limiter } = limiterOf(1);
    limiter.take("first");
    limiter.take("second");
    for (let other = 0; other < 49_999; other++) limiter.take(String(other));
    expect(limiter.take("second").isExceeded).toBe(true);
    expect(limiter.take("first").isExceeded).toBe(false);
  });
});
