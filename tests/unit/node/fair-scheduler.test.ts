import { describe, expect, it } from "vitest";
import { fairScheduler } from "../../../src/interfaces/node/fair-scheduler.ts";

const SPIN_MS = 4;

/** Blocks the event loop for longer than a share. */
function spin(): void {
  const endsAt = performance.now() + SPIN_MS;
  while (performance.now() < endsAt);
}

/** Runs numbered work, and records the order of its starts and of other events. */
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

describe("fairScheduler", () => {
  it("runs work immediately while the share has time left", () => {
    const { order } = runAll(3, () => {});
    expect(order).toEqual(["work 0", "work 1", "work 2"]);
  });

  it("lets other events run before the rest of the work", async () => {
    const { order } = runAll(5, spin);
    setTimeout(() => order.push("timer"), 0);
    await expect.poll(() => order.length).toBe(6);
    expect(order.indexOf("timer")).toBeLessThan(5);
  });

  it("counts the promise callbacks of work before it starts the next", async () => {
    const { shares, order } = runAll(1, spin);
    for (let index = 1; index < 5; index++) {
      shares.run(() => void Promise.resolve().then(() => (order.push(`work ${index}`), spin())));
    }
    setImmediate(() => setTimeout(() => order.push("timer"), 0));
    await expect.poll(() => order.length).toBe(6);
    expect(order.indexOf("timer")).toBeLessThan(5);
  });

  it("runs work first come, first served", async () => {
    const { order } = runAll(10, spin);
    await expect.poll(() => order.length, { timeout: 5000 }).toBe(10);
    expect(order).toEqual(Array.from({ length: 10 }, (_, index) => `work ${index}`));
  });

  it("does not let new work pass waiting work", async () => {
    const { shares, order } = runAll(3, spin);
    setImmediate(() => shares.run(() => order.push("late")));
    await expect.poll(() => order.length).toBe(4);
    expect(order).toEqual(["work 0", "work 1", "work 2", "late"]);
  });
});
