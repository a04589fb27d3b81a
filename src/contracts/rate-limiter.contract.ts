import { describe, expect, it } from "vitest";
import type { Clock } from "../application/ports/clock.ts";
import type { RateLimiter, RatePolicy } from "../application/ports/rate-limiter.ts";
import { testClock } from "../testing/fixtures.ts";

const WINDOW_SECONDS = 60;

/** The contract of every RateLimiter. */
export function rateLimiterContract(name: string, create: (clock: Clock, policy: RatePolicy) => RateLimiter): void {
  describe(`RateLimiter of ${name}`, () => {
    function limiterOf(quota: number) {
      const clock = testClock();
      return { clock, limiter: create(clock, { quota, windowSeconds: WINDOW_SECONDS }) };
    }

    it("admits the quota, and nothing beyond it", () => {
      const { limiter } = limiterOf(2);
      const taken = [limiter.take("a"), limiter.take("a"), limiter.take("a"), limiter.take("a")];
      expect(taken.map(({ isExceeded }) => isExceeded)).toEqual([false, false, true, true]);
      expect(taken.map(({ remaining }) => remaining)).toEqual([1, 0, 0, 0]);
    });

    it("restores the full quota after resetSeconds", () => {
      const { clock, limiter } = limiterOf(2);
      for (let i = 0; i < 2; i++) limiter.take("a");
      const { resetSeconds } = limiter.take("a");
      expect(resetSeconds).toBeGreaterThanOrEqual(1);
      expect(resetSeconds).toBeLessThanOrEqual(WINDOW_SECONDS);
      clock.advance(resetSeconds * 1000);
      expect(limiter.take("a")).toMatchObject({ isExceeded: false, remaining: 1 });
    });

    it("returns at least one second as resetSeconds", () => {
      const { clock, limiter } = limiterOf(1);
      limiter.take("a");
      clock.advance(WINDOW_SECONDS * 1000 - 1);
      expect(limiter.take("a")).toEqual({ isExceeded: true, remaining: 0, resetSeconds: 1 });
    });

    it("charges a cost completely or not at all, so that a smaller cost still fits", () => {
      const { limiter } = limiterOf(50);
      const taken = [20, 20, 20, 10, 0].map((cost) => limiter.take("a", cost));
      expect(taken.map(({ isExceeded }) => isExceeded)).toEqual([false, false, true, false, false]);
      expect(taken.map(({ remaining }) => remaining)).toEqual([30, 10, 10, 0, 0]);
    });

    it.each(["a", "a ".repeat(1000), "漢".repeat(1000)])("counts each key separately (case %#)", (key) => {
      const { limiter } = limiterOf(1);
      expect(limiter.take(key).isExceeded).toBe(false);
      expect(limiter.take(key).isExceeded).toBe(true);
      expect(limiter.take(`${key}b`).isExceeded).toBe(false);
    });
  });
}
