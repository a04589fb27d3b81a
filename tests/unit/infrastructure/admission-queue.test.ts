import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  admissionQueue,
  type AdmissionLimits,
  type AdmissionRequest,
} from "../../../src/infrastructure/pglite/client/admission-queue.ts";

const LIMITS: AdmissionLimits = { maxWaiting: 3, maxWaitingBytes: 100, maxWaitMs: 1000, maxSharedHolders: 2 };

const open = (limits: Partial<AdmissionLimits> = {}) => admissionQueue({ ...LIMITS, ...limits });
const exclusive = (bytes = 0): AdmissionRequest => ({ bytes, mode: "exclusive" });
const SHARED: AdmissionRequest = { bytes: 0, mode: "shared" };
const rejection = (reason: string) => ({ kind: "admission_rejected", reason });
const settlePromises = async () => new Promise((settle) => setImmediate(settle));

describe("the admission queue", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  it("admits exclusive requests one at a time, first come, first served", async () => {
    const queue = open();
    const order: number[] = [];
    const first = (await queue.acquire(exclusive()))._unsafeUnwrap();
    const others = [1, 2, 3].map(async (number) => {
      const release = (await queue.acquire(exclusive()))._unsafeUnwrap();
      order.push(number);
      release();
    });
    await Promise.resolve();
    expect(order).toEqual([]);
    first();
    await Promise.all(others);
    expect(order).toEqual([1, 2, 3]);
  });

  it("admits one request after a release, even when the release is called again", async () => {
    const queue = open();
    const first = (await queue.acquire(exclusive()))._unsafeUnwrap();
    const second = queue.acquire(exclusive());
    let isThirdAdmitted = false;
    const third = queue.acquire(exclusive()).then(() => (isThirdAdmitted = true));
    first();
    first();
    const release = (await second)._unsafeUnwrap();
    first();
    await settlePromises();
    expect(isThirdAdmitted).toBe(false);
    release();
    await third;
  });

  it("rejects a request immediately when the queue is full", async () => {
    const queue = open();
    await queue.acquire(exclusive());
    for (let i = 0; i < LIMITS.maxWaiting; i++) void queue.acquire(exclusive());
    expect((await queue.acquire(exclusive()))._unsafeUnwrapErr()).toEqual(rejection("full"));
  });

  it("rejects a request that would exceed the waiting bytes, and admits a smaller one", async () => {
    const queue = open();
    const first = (await queue.acquire(exclusive(1_000_000)))._unsafeUnwrap();
    const second = queue.acquire(exclusive(60));
    expect((await queue.acquire(exclusive(41)))._unsafeUnwrapErr()).toEqual(rejection("full"));
    const fitting = queue.acquire(exclusive(40));
    first();
    (await second)._unsafeUnwrap()();
    expect((await fitting).isOk()).toBe(true);
  });

  it("counts the bytes of waiting requests only", async () => {
    const queue = open();
    const first = (await queue.acquire(exclusive()))._unsafeUnwrap();
    const second = queue.acquire(exclusive(100));
    first();
    const release = (await second)._unsafeUnwrap();
    const third = queue.acquire(exclusive(100));
    release();
    expect((await third).isOk()).toBe(true);
  });

  it("rejects a request that has waited too long, and keeps a younger one", async () => {
    const queue = open();
    const first = (await queue.acquire(exclusive()))._unsafeUnwrap();
    const expired = queue.acquire(exclusive());
    await vi.advanceTimersByTimeAsync(600);
    const younger = queue.acquire(exclusive());
    await vi.advanceTimersByTimeAsync(600);
    expect((await expired)._unsafeUnwrapErr()).toEqual(rejection("timeout"));
    first();
    expect((await younger).isOk()).toBe(true);
  });

  it("admits the shared requests behind an exclusive one that has waited too long", async () => {
    const queue = open();
    await queue.acquire(SHARED);
    const expired = queue.acquire(exclusive());
    await vi.advanceTimersByTimeAsync(600);
    const behind = queue.acquire(SHARED);
    await vi.advanceTimersByTimeAsync(600);
    expect((await expired)._unsafeUnwrapErr()).toEqual(rejection("timeout"));
    expect(queue.statistics().waiting).toBe(0);
    expect((await behind).isOk()).toBe(true);
  });

  it("does not count the time in which the process was paused", async () => {
    const queue = open();
    await queue.acquire(exclusive());
    const waiting = queue.acquire(exclusive());
    await vi.advanceTimersByTimeAsync(600);
    const now = performance.now.bind(performance);
    const paused = vi.spyOn(performance, "now").mockImplementation(() => now() + 13_000);
    // A request that arrives at the end of the pause, before the next check.
    const later = queue.acquire(exclusive());
    await vi.advanceTimersByTimeAsync(300);
    expect(queue.statistics()).toMatchObject({ waiting: 2, rejected: { timeout: 0 } });
    await vi.advanceTimersByTimeAsync(300);
    expect((await waiting)._unsafeUnwrapErr()).toEqual(rejection("timeout"));
    await vi.advanceTimersByTimeAsync(600);
    expect(queue.statistics()).toMatchObject({ waiting: 0 });
    expect((await later)._unsafeUnwrapErr()).toEqual(rejection("timeout"));
    paused.mockRestore();
  });

  it("admits a retry before all waiting requests, even when the queue is full", async () => {
    const queue = open();
    const first = (await queue.acquire(exclusive()))._unsafeUnwrap();
    const waiting = Array.from({ length: LIMITS.maxWaiting }, async () => queue.acquire(exclusive()));
    const retry = queue.acquire({ ...exclusive(), isRetry: true });
    first();
    (await retry)._unsafeUnwrap()();
    expect((await waiting[0])?.isOk()).toBe(true);
  });

  it("rejects a retry that has waited too long, while younger requests wait behind it", async () => {
    const queue = open();
    await queue.acquire(exclusive());
    const retry = queue.acquire({ ...exclusive(), isRetry: true });
    await vi.advanceTimersByTimeAsync(600);
    let isSettled = false;
    void queue.acquire(exclusive()).then(() => (isSettled = true));
    await vi.advanceTimersByTimeAsync(600);
    expect((await retry)._unsafeUnwrapErr()).toEqual(rejection("timeout"));
    expect(isSettled).toBe(false);
  });

  it("admits shared requests together up to the limit, and an exclusive one alone", async () => {
    const queue = open();
    const first = (await queue.acquire(SHARED))._unsafeUnwrap();
    const second = (await queue.acquire(SHARED))._unsafeUnwrap();
    const admitted: string[] = [];
    const note = async (name: string, admission: ReturnType<typeof queue.acquire>) => {
      const release = (await admission)._unsafeUnwrap();
      admitted.push(name);
      return release;
    };
    const third = note("third", queue.acquire(SHARED));
    const alone = note("exclusive", queue.acquire(exclusive()));
    const later = note("later", queue.acquire(SHARED));
    first();
    const releaseThird = await third;
    expect(admitted).toEqual(["third"]);
    second();
    releaseThird();
    const releaseAlone = await alone;
    await settlePromises();
    expect(admitted).toEqual(["third", "exclusive"]);
    releaseAlone();
    await later;
  });

  it("admits nothing while it is paused, and continues when it is resumed", async () => {
    const queue = open();
    const first = (await queue.acquire(exclusive()))._unsafeUnwrap();
    const waiting = queue.acquire(exclusive());
    queue.pause();
    first();
    let isAdmitted = false;
    void waiting.then(() => (isAdmitted = true));
    await settlePromises();
    expect(isAdmitted).toBe(false);
    queue.resume();
    expect((await waiting).isOk()).toBe(true);
  });

  it("serves the waiting requests before it closes, and rejects later ones", async () => {
    const queue = open();
    const first = (await queue.acquire(exclusive()))._unsafeUnwrap();
    const waiting = queue.acquire(exclusive());
    const closed = queue.close();
    expect((await queue.acquire(exclusive()))._unsafeUnwrapErr()).toEqual(rejection("closed"));
    first();
    const release = (await waiting)._unsafeUnwrap();
    let isClosed = false;
    void closed.then(() => (isClosed = true));
    await settlePromises();
    expect(isClosed).toBe(false);
    release();
    await closed;
  });

  it("rejects waiting and later requests after rejectAll", async () => {
    const queue = open();
    await queue.acquire(exclusive());
    const waiting = queue.acquire(exclusive());
    queue.rejectAll();
    expect((await waiting)._unsafeUnwrapErr()).toEqual(rejection("closed"));
    expect((await queue.acquire(exclusive()))._unsafeUnwrapErr()).toEqual(rejection("closed"));
  });

  describe("with a signal", () => {
    it("rejects a waiting request when its signal is aborted, and admits the next one", async () => {
      const queue = open();
      const first = (await queue.acquire(exclusive()))._unsafeUnwrap();
      const controller = new AbortController();
      const cancelled = queue.acquire({ ...exclusive(), signal: controller.signal });
      const next = queue.acquire(exclusive());
      controller.abort();
      expect((await cancelled)._unsafeUnwrapErr()).toEqual(rejection("cancelled"));
      first();
      expect((await next).isOk()).toBe(true);
    });

    it("rejects a request whose signal was aborted before, even if the engine is free", async () => {
      const queue = open();
      const request = { ...exclusive(), signal: AbortSignal.abort() };
      expect((await queue.acquire(request))._unsafeUnwrapErr()).toEqual(rejection("cancelled"));
      expect((await queue.acquire(exclusive())).isOk()).toBe(true);
    });

    it("admits another request to the queue after a cancellation", async () => {
      const queue = open({ maxWaiting: 1 });
      await queue.acquire(exclusive());
      const controller = new AbortController();
      void queue.acquire({ ...exclusive(100), signal: controller.signal });
      controller.abort();
      let isSettled = false;
      void queue.acquire(exclusive(100)).then(() => (isSettled = true));
      await settlePromises();
      expect(isSettled).toBe(false);
    });

    it("admits the shared requests behind a cancelled exclusive one", async () => {
      const queue = open();
      await queue.acquire(SHARED);
      const controller = new AbortController();
      void queue.acquire({ ...exclusive(), signal: controller.signal });
      const shared = queue.acquire(SHARED);
      controller.abort();
      expect((await shared).isOk()).toBe(true);
    });

    it("does not take the engine from a request that was admitted", async () => {
      const queue = open();
      const first = (await queue.acquire(exclusive()))._unsafeUnwrap();
      const controller = new AbortController();
      const admitted = queue.acquire({ ...exclusive(), signal: controller.signal });
      let isNextAdmitted = false;
      void queue.acquire(exclusive()).then(() => (isNextAdmitted = true));
      first();
      const release = (await admitted)._unsafeUnwrap();
      controller.abort();
      await settlePromises();
      expect(isNextAdmitted).toBe(false);
      release();
      await settlePromises();
      expect(isNextAdmitted).toBe(true);
    });

    it("closes when the last waiting request is cancelled", async () => {
      const queue = open();
      const first = (await queue.acquire(exclusive()))._unsafeUnwrap();
      queue.pause();
      const controller = new AbortController();
      void queue.acquire({ ...exclusive(), signal: controller.signal });
      const closed = queue.close();
      first();
      controller.abort();
      await closed;
    });
  });
});
