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
  const limiter = rateLimiter(clock, { name: "address", quota, windowSeconds: 60 });
  return { clock, take: async (key: string, cost?: number) => (await limiter.take(key, cost))._unsafeUnwrap() };
}

rateLimiterContract("one process", rateLimiter);

describe("rateLimiter", () => {
  it("admits the quota within a window that begins with the first request", async () => {
    const { clock, take } = limiterOf(2);
    expect(await take("a")).toEqual({ isExceeded: false, remaining: 1, resetSeconds: 60 });
    clock.advance(1);
    expect(await take("a")).toEqual({ isExceeded: false, remaining: 0, resetSeconds: 60 });
    clock.advance(59_998);
    expect(await take("a")).toEqual({ isExceeded: true, remaining: 0, resetSeconds: 1 });
    clock.advance(1);
    expect(await take("a")).toEqual({ isExceeded: false, remaining: 1, resetSeconds: 60 });
  });

  it("starts a new window if the clock was set back", async () => {
    const { clock, take } = limiterOf(1);
    await take("a");
    await take("a");
    clock.advance(-HOUR_MS);
    expect(await take("a")).toEqual({ isExceeded: false, remaining: 0, resetSeconds: 60 });
  });

  it("evicts the oldest window when there are too many", async () => {
    const { take } = limiterOf(10);
    for (const key of ["first", "second"]) await take(key);
    for (let other = 2; other <= MAX_KEYS; other++) await take(String(other));
    expect((await take("second")).remaining).toBe(8);
    expect((await take("first")).remaining).toBe(9);
  });

  it("keeps the counter of a key above half of its quota during a flood of other keys", async () => {
    const { take } = limiterOf(10);
    await take("exceeded", 10);
    await take("heavy", 6);
    await take("light", 5);
    for (let other = 0; other < 4 * MAX_KEYS; other++) await take(String(other));
    expect((await take("exceeded")).isExceeded).toBe(true);
    expect((await take("heavy")).remaining).toBe(3);
    expect((await take("light")).remaining).toBe(9);
  });

  it("evicts the oldest exceeded window if all are exceeded", async () => {
    const { take } = limiterOf(1);
    for (let other = 0; other <= MAX_KEYS; other++) await take(String(other));
    expect((await take(String(MAX_KEYS))).isExceeded).toBe(true);
    expect((await take("0")).isExceeded).toBe(false);
  });

  it("takes at most 17 MiB for any number and length of keys", async () => {
    const bytes = await heldBytes(async () => {
      const { take } = limiterOf(3);
      for (let other = 0; other < 3 * MAX_KEYS; other++)
        await take(`${other} ${"漢".repeat(other % 3 === 0 ? 500 : 72)}`);
      return take;
    });
    expect(bytes).toBeLessThan(17 * MIB);
  });

  it("does not keep the header in memory that a key is a slice of", async () => {
    const bytes = await heldBytes(async () => {
      const { take } = limiterOf(3);
      for (let other = 10_000; other < 20_000; other++) await take(`${other}.${" ".repeat(14_000)}`.slice(0, 20));
      return take;
    });
    expect(bytes).toBeLessThan(10 * MIB);
  });

  it("removes windows that are over while others begin", async () => {
    const { clock, take } = limiterOf(10);
    const bytes = await heldBytes(async () => {
      for (let other = 0; other < MAX_KEYS; other++) await take(`before ${other}`, (other % 2) * 10);
      clock.advance(60_000);
      for (let other = 0; other < MAX_KEYS / 2; other++) await take("after", 0);
      for (let other = 0; other < MAX_KEYS / 2; other++) await take(`after ${other % 100}`, 0);
      return take;
    });
    expect(bytes).toBeLessThan(17 * MIB);
  });
});
