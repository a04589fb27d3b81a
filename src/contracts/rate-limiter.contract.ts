import { describe, expect, it } from "vitest";
import type { Clock } from "../application/ports/clock.ts";
import type { Quota, RateLimiter, RatePolicy } from "../application/ports/rate-limiter.ts";
import { testClock } from "../testing/fixtures.ts";

const WINDOW_SECONDS = 60;

/** The contract of every RateLimiter. Limiters with the same name may share their counts, so each test has a name of its own. */
export function rateLimiterContract(name: string, create: (clock: Clock, policy: RatePolicy) => RateLimiter): void {
  describe(`RateLimiter of ${name}`, () => {
    function limiterOf(quota: number) {
      const clock = testClock();
      const policy = { name: crypto.randomUUID(), quota, windowSeconds: WINDOW_SECONDS };
      const take = takenFrom(create(clock, policy));
      return { clock, policy, take };
    }

    it("admits the quota, and nothing beyond it", async () => {
      const { take } = limiterOf(2);
      const taken = [await take("a"), await take("a"), await take("a"), await take("a")];
      expect(taken.map(({ isExceeded }) => isExceeded)).toEqual([false, false, true, true]);
      expect(taken.map(({ remaining }) => remaining)).toEqual([1, 0, 0, 0]);
    });

    it("admits exactly the quota of concurrent requests", async () => {
      const { take } = limiterOf(5);
      const taken = await Promise.all(Array.from({ length: 12 }, async () => take("a")));
      expect(taken.filter(({ isExceeded }) => !isExceeded).map(({ remaining }) => remaining)).toHaveLength(5);
      expect(await take("a")).toMatchObject({ isExceeded: true, remaining: 0 });
    });

    it("restores the full quota after resetSeconds", async () => {
      const { clock, take } = limiterOf(2);
      for (let i = 0; i < 2; i++) await take("a");
      const { resetSeconds } = await take("a");
      expect(resetSeconds).toBeGreaterThanOrEqual(1);
      expect(resetSeconds).toBeLessThanOrEqual(WINDOW_SECONDS);
      clock.advance(resetSeconds * 1000);
      expect(await take("a")).toMatchObject({ isExceeded: false, remaining: 1 });
    });

    it("returns at least one second as resetSeconds", async () => {
      const { clock, take } = limiterOf(1);
      await take("a");
      clock.advance(WINDOW_SECONDS * 1000 - 1);
      expect(await take("a")).toEqual({ isExceeded: true, remaining: 0, resetSeconds: 1 });
    });

    it("charges a cost completely or not at all, so that a smaller cost still fits", async () => {
      const { take } = limiterOf(50);
      const taken: Quota[] = [];
      for (const cost of [20, 20, 20, 10, 0]) taken.push(await take("a", cost));
      expect(taken.map(({ isExceeded }) => isExceeded)).toEqual([false, false, true, false, false]);
      expect(taken.map(({ remaining }) => remaining)).toEqual([30, 10, 10, 0, 0]);
    });

    it.each(["a", "a ".repeat(1000), "漢".repeat(1000)])("counts each key separately (case %#)", async (key) => {
      const { take } = limiterOf(1);
      expect((await take(key)).isExceeded).toBe(false);
      expect((await take(key)).isExceeded).toBe(true);
      expect((await take(`${key}b`)).isExceeded).toBe(false);
    });

    it("counts the same key separately for each name of a policy", async () => {
      const { clock, policy, take } = limiterOf(1);
      const takeOther = takenFrom(create(clock, { ...policy, name: `${policy.name} b` }));
      expect([(await take("a")).isExceeded, (await takeOther("a")).isExceeded]).toEqual([false, false]);
      expect([(await take("a")).isExceeded, (await takeOther("a")).isExceeded]).toEqual([true, true]);
    });
  });
}

function takenFrom(limiter: RateLimiter) {
  return async (key: string, cost?: number): Promise<Quota> => (await limiter.take(key, cost))._unsafeUnwrap();
}
