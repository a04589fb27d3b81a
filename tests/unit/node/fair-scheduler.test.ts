import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fairScheduler, type FairScheduler } from "../../../src/interfaces/node/fair-scheduler.ts";

const SPIN_MS = 4;

/** Blocks the event loop for longer than a share. */
function spin(): void {
  const endsAt = performance.now() + SPIN_MS;
  while (performance.now() < endsAt);
}

/** Waits until a share that has no work left ends. */
async function endOfShare(): Promise<void> {
  for (let iteration = 0; iteration < 3; iteration++) await new Promise((resolve) => setImmediate(resolve));
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

describe("a share of the fair scheduler, while the clock advances only during work", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
  afterEach(() => void vi.useRealTimers());

  const WORK_COUNT = 5;

  /** Runs work of 1 ms each until all is done, and returns the number of items that started immediately. */
  async function countImmediate(shares: FairScheduler): Promise<number> {
    let started = 0;
    for (let count = 0; count < WORK_COUNT; count++) {
      shares.run(() => {
        started++;
        vi.advanceTimersByTime(1);
      });
    }
    const immediate = started;
    await vi.waitUntil(() => started === WORK_COUNT);
    await endOfShare();
    return immediate;
  }

  it("runs work immediately until the work has taken 3 ms", async () => {
    expect(await countImmediate(fairScheduler())).toBe(3);
  });

  it("is shorter once after a client has connected, so that the event loop accepts the next client sooner", async () => {
    const shares = fairScheduler();
    shares.noteConnection();
    expect(await countImmediate(shares)).toBe(1);
    expect(await countImmediate(shares)).toBe(3);
  });
});
