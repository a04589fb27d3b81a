import { describe, expect, it } from "vitest";
import { fairScheduler } from "../../../src/interfaces/node/fair-scheduler.ts";

const SPIN_MS = 4;

/** Keeps the event loop for longer than one share is. */
function spin(): void {
  const endsAt = performance.now() + SPIN_MS;
  while (performance.now() < endsAt);
}

/** Runs work that is numbered, and shows in which order it was begun, and after which other events. */
function runAll(count: number, work: (index: number) => void) {
  const shares = fairScheduler();
  const order: string[] = [];
  for (let index = 0; index < count; index++) {
    shares.run(() => {
      order.push(`work ${index}`);
      work(index);
    });
  }
  return { shares, order };
}

describe("the shares of the event loop", () => {
  it("begin work at once while there is time", () => {
    const { order } = runAll(3, () => {});
    expect(order).toEqual(["work 0", "work 1", "work 2"]);
  });

  it("let other events in before work that would keep them waiting", async () => {
    const { order } = runAll(5, spin);
    setTimeout(() => order.push("timer"), 0);
    await expect.poll(() => order.length).toBe(6);
    expect(order.indexOf("timer")).toBeLessThan(5);
  });

  it("count what work does in promises before the next begins", async () => {
    const { shares, order } = runAll(1, spin);
    for (let index = 1; index < 5; index++) {
      shares.run(() => void Promise.resolve().then(() => (order.push(`work ${index}`), spin())));
    }
    setImmediate(() => setTimeout(() => order.push("timer"), 0));
    await expect.poll(() => order.length).toBe(6);
    expect(order.indexOf("timer")).toBeLessThan(5);
  });

  it("keep the order of coming", async () => {
    const { order } = runAll(10, spin);
    await expect.poll(() => order.length, { timeout: 5000 }).toBe(10);
    expect(order).toEqual(Array.from({ length: 10 }, (_, index) => `work ${index}`));
  });

  it("do not let late work pass what waits", async () => {
    const { shares, order } = runAll(3, spin);
    setImmediate(() => shares.run(() => order.push("late")));
    await expect.poll(() => order.length).toBe(4);
    expect(order).toEqual(["work 0", "work 1", "work 2", "late"]);
  });
});
