import { beforeEach, describe, expect, it } from "vitest";
import type { DatabaseError } from "../../../src/infrastructure/pglite/engine/wire-protocol.ts";
import {
  isFileFailure,
  writeCircuitBreaker,
  type WriteCircuitBreaker,
} from "../../../src/infrastructure/pglite/client/write-circuit-breaker.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";

const databaseError = (code: string, message = "it failed") =>
  Object.assign(new Error(message), { code }) as DatabaseError;
const NO_DESCRIPTOR = databaseError("53000", 'could not open file "base/5/16384": Too many open files');
const FILE_EXISTS = databaseError("58P02", 'could not create file "base/5/16586_fsm": File exists');

let nowMs: number;
let hasResources: boolean;
let restarts: string[];
let isReplaced: boolean;
let breaker: WriteCircuitBreaker;

beforeEach(() => {
  nowMs = 0;
  hasResources = true;
  restarts = [];
  isReplaced = true;
  breaker = writeCircuitBreaker({
    directory: "/srv/quire",
    restartEngine: async (reason) => {
      restarts.push(reason);
      return isReplaced;
    },
    log: recordingLog(),
    hasResources: async () => hasResources,
    now: () => nowMs,
  });
});

/** Tries to close the circuit breaker once a second, and returns the number of seconds until it closed. */
async function secondsUntilClosed(): Promise<number> {
  for (let seconds = 0; seconds <= 3600; seconds++) {
    await breaker.tryClose();
    if (breaker.failure() === null) return seconds;
    nowMs += 1000;
  }
  return Infinity;
}

describe("the write circuit breaker", () => {
  it("stays open until the missing resource is available", async () => {
    hasResources = false;
    breaker.record(NO_DESCRIPTOR);
    for (let second = 0; second < 600; second++) {
      nowMs += 1000;
      await breaker.tryClose();
    }
    expect(breaker.failure()).toBe(NO_DESCRIPTOR);
    hasResources = true;
    expect(await secondsUntilClosed()).toBe(1);
    expect(restarts).toEqual([]);
  });

  it("looks for the missing resource once a second, however often it is asked", async () => {
    let probes = 0;
    const probed = writeCircuitBreaker({
      directory: "/data",
      restartEngine: async () => true,
      hasResources: async () => {
        probes++;
        return Promise.resolve(false);
      },
      log: recordingLog(),
      now: () => nowMs,
    });
    probed.record(NO_DESCRIPTOR);
    for (nowMs = 250; nowMs <= 10_000; nowMs += 250) await probed.tryClose();
    expect(probes).toBe(10);
  });

  it("restarts the engine when its memory of the files differs from the disk", async () => {
    breaker.record(FILE_EXISTS);
    expect(await secondsUntilClosed()).toBe(1);
    expect(restarts).toEqual(['58P02: could not create file "base/5/16586_fsm": File exists']);
  });

  it("stays open until the engine was replaced", async () => {
    isReplaced = false;
    breaker.record(FILE_EXISTS);
    nowMs += 1000;
    await breaker.tryClose();
    expect(breaker.failure()).toBe(FILE_EXISTS);
    isReplaced = true;
    expect(await secondsUntilClosed()).toBe(1);
    expect(restarts).toHaveLength(2);
  });

  it("restarts the engine when a shortage returns while the resource is available", async () => {
    for (let failure = 0; failure < 3; failure++) {
      expect(restarts).toEqual([]);
      breaker.record(NO_DESCRIPTOR);
      await secondsUntilClosed();
    }
    expect(restarts).toHaveLength(1);
  });

  it("closes after a delay that doubles up to a minute", async () => {
    const delays: number[] = [];
    for (let failure = 0; failure < 9; failure++) {
      breaker.record(FILE_EXISTS);
      delays.push(await secondsUntilClosed());
    }
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it.each([
    ["as the second one within five minutes of the first", 300_000, 2],
    ["as the first one after five minutes without any", 300_001, 1],
  ])("counts a failure %s", async (_, failedAtMs, seconds) => {
    breaker.record(FILE_EXISTS);
    await secondsUntilClosed();
    nowMs = failedAtMs;
    breaker.record(FILE_EXISTS);
    expect(await secondsUntilClosed()).toBe(seconds);
  });

  it("ignores errors of statements", () => {
    for (const code of ["23505", "22001", "40001", "53200", "58P01"]) breaker.record(databaseError(code));
    expect(breaker.failure()).toBeNull();
  });

  it("opens on an errno without a SQLSTATE, such as EDQUOT", () => {
    const quota = 'could not extend file "base/5/16586": Quota exceeded';
    expect(isFileFailure(databaseError("XX000", quota))).toBe(true);
    expect(isFileFailure(databaseError("XX000", "cache lookup failed for relation 1"))).toBe(false);
  });
});
