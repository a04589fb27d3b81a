import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { restartPolicy } from "../../../src/infrastructure/pglite/client/restart-policy.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the restart policy of the engine", () => {
  it("restarts at once after the first failure, then with exponential backoff, and gives up after eight restarts", () => {
    const policy = restartPolicy();
    const delays = [0, 100, 200, 400, 800, 1600, 3200, 5000];
    expect(delays.map(() => policy.afterFailure())).toEqual(delays.map((ms) => ({ kind: "wait", ms })));
    expect(policy.afterFailure()).toEqual({ kind: "give_up", failures: 9 });
  });

  it("forgets a failure after a minute", () => {
    const policy = restartPolicy();
    for (let failures = 0; failures < 8; failures++) policy.afterFailure();
    vi.advanceTimersByTime(60_000);
    expect(policy.afterFailure()).toEqual({ kind: "give_up", failures: 9 });
    vi.advanceTimersByTime(60_001);
    expect(policy.afterFailure()).toEqual({ kind: "wait", ms: 0 });
  });
});
