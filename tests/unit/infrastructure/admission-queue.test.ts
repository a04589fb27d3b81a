import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { admissionQueue, type AdmissionLimits } from "../../../src/infrastructure/pglite/client/admission-queue.ts";

const LIMITS: AdmissionLimits = { length: 3, bytes: 100, ageMs: 1000, sharers: 2 };

const open = (limits: Partial<AdmissionLimits> = {}) => admissionQueue({ ...LIMITS, ...limits });
const alone = (bytes: number) => ({ bytes, isShared: false });
const shared = { bytes: 0, isShared: true };
const refusal = (reason: string) => ({ kind: "admission_refused", reason });

describe("the queue for the engine", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  it("gives one turn at a time, in the order of asking", async () => {
    const queue = open();
    const order: number[] = [];
    const first = (await queue.take(alone(0)))._unsafeUnwrap();
    const others = [1, 2, 3].map(async (number) => {
      const end = (await queue.take(alone(0)))._unsafeUnwrap();
      order.push(number);
      end();
    });
    await Promise.resolve();
    expect(order).toEqual([]);
    first();
    await Promise.all(others);
    expect(order).toEqual([1, 2, 3]);
  });

  it("gives the next turn once, however often one is ended", async () => {
    const queue = open();
    const first = (await queue.take(alone(0)))._unsafeUnwrap();
    const second = queue.take(alone(0));
    let isThirdHis = false;
    const third = queue.take(alone(0)).then(() => (isThirdHis = true));
    first();
    first();
    const end = (await second)._unsafeUnwrap();
    first();
    await new Promise((settle) => setImmediate(settle));
    expect(isThirdHis).toBe(false);
    end();
    await third;
  });

  it("refuses at once who comes when as many wait as may", async () => {
    const queue = open();
    await queue.take(alone(0));
    for (let i = 0; i < LIMITS.length; i++) void queue.take(alone(0));
    expect((await queue.take(alone(0)))._unsafeUnwrapErr()).toEqual(refusal("full"));
  });

  it("refuses at once who comes with more bytes than may wait, and takes one with fewer", async () => {
    const queue = open();
    const first = (await queue.take(alone(1_000_000)))._unsafeUnwrap();
    void queue.take(alone(60));
    expect((await queue.take(alone(41)))._unsafeUnwrapErr()).toEqual(refusal("full"));
    const fits = queue.take(alone(40)).then((turn) => turn.isOk());
    first();
    void fits;
  });

  it("counts only the bytes of those who wait still", async () => {
    const queue = open();
    const first = (await queue.take(alone(0)))._unsafeUnwrap();
    const second = queue.take(alone(100));
    first();
    const end = (await second)._unsafeUnwrap();
    const third = queue.take(alone(100));
    end();
    expect((await third).isOk()).toBe(true);
  });

  it("refuses who has waited too long, and goes on with those who have not", async () => {
    const queue = open();
    const first = (await queue.take(alone(0)))._unsafeUnwrap();
    const late = queue.take(alone(0));
    await vi.advanceTimersByTimeAsync(600);
    const young = queue.take(alone(0));
    await vi.advanceTimersByTimeAsync(600);
    expect((await late)._unsafeUnwrapErr()).toEqual(refusal("late"));
    first();
    expect((await young).isOk()).toBe(true);
  });

  it("lets one who asks again pass those who wait, even when the queue is full", async () => {
    const queue = open();
    const first = (await queue.take(alone(0)))._unsafeUnwrap();
    const waiting = Array.from({ length: LIMITS.length }, async () => queue.take(alone(0)));
    const again = queue.take({ ...alone(0), isFirst: true });
    first();
    const end = (await again)._unsafeUnwrap();
    end();
    expect((await waiting[0])?.isOk()).toBe(true);
  });

  it("gives turns that are shared at the same time, as many as may share, and one that is not alone", async () => {
    const queue = open();
    const first = (await queue.take(shared))._unsafeUnwrap();
    const second = (await queue.take(shared))._unsafeUnwrap();
    const begun: string[] = [];
    const note = async (name: string, turn: ReturnType<typeof queue.take>) => {
      const end = (await turn)._unsafeUnwrap();
      begun.push(name);
      return end;
    };
    const third = note("third", queue.take(shared));
    const own = note("alone", queue.take(alone(0)));
    const later = note("later", queue.take(shared));
    first();
    const endThird = await third;
    expect(begun).toEqual(["third"]);
    second();
    endThird();
    const endOwn = await own;
    await new Promise((settle) => setImmediate(settle));
    expect(begun).toEqual(["third", "alone"]);
    endOwn();
    await later;
  });

  it("begins no turn while it is paused, and goes on when it is resumed", async () => {
    const queue = open();
    const first = (await queue.take(alone(0)))._unsafeUnwrap();
    const waiting = queue.take(alone(0));
    queue.pause();
    first();
    let isGranted = false;
    void waiting.then(() => (isGranted = true));
    await new Promise((settle) => setImmediate(settle));
    expect(isGranted).toBe(false);
    queue.resume();
    expect((await waiting).isOk()).toBe(true);
  });

  it("lets those who wait have their turn before it closes, and refuses who comes after", async () => {
    const queue = open();
    const first = (await queue.take(alone(0)))._unsafeUnwrap();
    const waiting = queue.take(alone(0));
    const closed = queue.close();
    expect((await queue.take(alone(0)))._unsafeUnwrapErr()).toEqual(refusal("closed"));
    first();
    const end = (await waiting)._unsafeUnwrap();
    let isClosed = false;
    void closed.then(() => (isClosed = true));
    await new Promise((settle) => setImmediate(settle));
    expect(isClosed).toBe(false);
    end();
    await closed;
  });

  it("refuses all who wait when it is abandoned", async () => {
    const queue = open();
    await queue.take(alone(0));
    const waiting = queue.take(alone(0));
    queue.abandon();
    expect((await waiting)._unsafeUnwrapErr()).toEqual(refusal("closed"));
    expect((await queue.take(alone(0)))._unsafeUnwrapErr()).toEqual(refusal("closed"));
  });
});
