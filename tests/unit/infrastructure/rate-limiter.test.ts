import { describe, expect, it } from "vitest";
import { rateLimiter } from "../../../src/infrastructure/node/rate-limiter.ts";
import { rateLimiterContract } from "../../../src/contracts/rate-limiter.contract.ts";
import { testClock } from "../../../src/testing/fixtures.ts";
import { heldBytes } from "../../support/heap.ts";

const HOUR_MS = 3_600_000;
const MIB = 1_048_576;
const MAX_KEYS = 50_000;

function limiterOf(quota: number) {
  const clock = testClock();
  return { clock, limiter: rateLimiter(clock, { quota, windowSeconds: 60 }) };
}

rateLimiterContract("one process", rateLimiter);

describe("rateLimiter", () => {
  it("admits the quota within a window that begins with the first request", () => {
    const { clock, limiter } = limiterOf(2);
    expect(limiter.take("a")).toEqual({ isExceeded: false, remaining: 1, resetSeconds: 60 });
    clock.advance(1);
    expect(limiter.take("a")).toEqual({ isExceeded: false, remaining: 0, resetSeconds: 60 });
    clock.advance(59_998);
    expect(limiter.take("a")).toEqual({ isExceeded: true, remaining: 0, resetSeconds: 1 });
    clock.advance(1);
    expect(limiter.take("a")).toEqual({ isExceeded: false, remaining: 1, resetSeconds: 60 });
  });

  it("starts a new window if the clock was set back", () => {
    const { clock, limiter } = limiterOf(1);
    limiter.take("a");
    limiter.take("a");
    clock.advance(-HOUR_MS);
    expect(limiter.take("a")).toEqual({ isExceeded: false, remaining: 0, resetSeconds: 60 });
  });

  it("evicts the oldest window when there are too many", () => {
    const { limiter } = limiterOf(10);
    for (const key of ["first", "second"]) limiter.take(key);
    for (let other = 2; other <= MAX_KEYS; other++) limiter.take(String(other));
    expect(limiter.take("second").remaining).toBe(8);
    expect(limiter.take("first").remaining).toBe(9);
  });

  it("keeps the counter of a key above half of its quota during a flood of other keys", () => {
    const { limiter } = limiterOf(10);
    limiter.take("exceeded", 10);
    limiter.take("heavy", 6);
    limiter.take("light", 5);
    for (let other = 0; other < 4 * MAX_KEYS; other++) limiter.take(String(other));
    expect(limiter.take("exceeded").isExceeded).toBe(true);
    expect(limiter.take("heavy").remaining).toBe(3);
    expect(limiter.take("light").remaining).toBe(9);
  });

  it("evicts the oldest exceeded window if all are exceeded", () => {
    const { limiter } = limiterOf(1);
    for (let other = 0; other <= MAX_KEYS; other++) limiter.take(String(other));
    expect(limiter.take(String(MAX_KEYS)).isExceeded).toBe(true);
    expect(limiter.take("0").isExceeded).toBe(false);
  });

  it("takes at most 17 MiB for any number and length of keys", () => {
    const bytes = heldBytes(() => {
      const { limiter } = limiterOf(3);
      for (let other = 0; other < 3 * MAX_KEYS; other++)
        limiter.take(`${other} ${"漢".repeat(other % 3 === 0 ? 500 : 72)}`);
      return limiter;
    });
    expect(bytes).toBeLessThan(17 * MIB);
  });

  it("does not keep the header in memory that a key is a slice of", () => {
    const bytes = heldBytes(() => {
      const { limiter } = limiterOf(3);
      for (let other = 10_000; other < 20_000; other++) limiter.take(`${other}.${" ".repeat(14_000)}`.slice(0, 20));
      return limiter;
    });
    expect(bytes).toBeLessThan(10 * MIB);
  });

  it("removes windows that are over while others begin", () => {
    const { clock, limiter } = limiterOf(10);
    const bytes = heldBytes(() => {
      for (let other = 0; other < MAX_KEYS; other++) limiter.take(`before ${other}`, (other % 2) * 10);
      clock.advance(60_000);
      for (let other = 0; other < MAX_KEYS / 2; other++) limiter.take("after", 0);
      for (let other = 0; other < MAX_KEYS / 2; other++) limiter.take(`after ${other % 100}`, 0);
      return limiter;
    });
    expect(bytes).toBeLessThan(17 * MIB);
  });
});
