import { beforeEach, describe, expect, it } from "vitest";
import type { DatabaseError } from "../../../src/infrastructure/pglite/engine/wire-protocol.ts";
import {
  isFileFailure,
  writeHealth,
  type WriteHealth,
} from "../../../src/infrastructure/pglite/client/write-health.ts";
import { recordingLog } from "../../support/fixtures.ts";

const databaseError = (code: string, message = "it failed") =>
  Object.assign(new Error(message), { code }) as DatabaseError;
const NO_DESCRIPTOR = databaseError("53000", 'could not open file "base/5/16384": Too many open files');
const FILE_EXISTS = databaseError("58P02", 'could not create file "base/5/16586_fsm": File exists');

let nowMs: number;
let hasResources: boolean;
let renewals: string[];
let writes: WriteHealth;

beforeEach(() => {
  nowMs = 0;
  hasResources = true;
  renewals = [];
  writes = writeHealth({
    directory: "/srv/quire",
    renewEngine: async (reason) => void renewals.push(reason),
    log: recordingLog(),
    hasResources: () => hasResources,
    now: () => nowMs,
  });
});

/** Lets time go by, a second at a time, and gives how many seconds it took until writes are made again. */
async function secondsUntilRecovered(): Promise<number> {
  for (let seconds = 0; seconds <= 3600; seconds++) {
    await writes.recover();
    if (writes.failure() === null) return seconds;
    nowMs += 1000;
  }
  return Infinity;
}

describe("writes that failed for the files of the database", () => {
  it("are refused until what they lacked is there again", async () => {
    hasResources = false;
    writes.note(NO_DESCRIPTOR);
    for (let second = 0; second < 600; second++) {
      nowMs += 1000;
      await writes.recover();
    }
    expect(writes.failure()).toBe(NO_DESCRIPTOR);
    hasResources = true;
    expect(await secondsUntilRecovered()).toBe(0);
    expect(renewals).toEqual([]);
  });

  it("have the engine replaced when it holds of its files what the disk does not", async () => {
    writes.note(FILE_EXISTS);
    expect(await secondsUntilRecovered()).toBe(1);
    expect(renewals).toEqual(['58P02: could not create file "base/5/16586_fsm": File exists']);
  });

  it("have the engine replaced when a shortage comes again and again though nothing is short", async () => {
    for (let failure = 0; failure < 3; failure++) {
      expect(renewals).toEqual([]);
      writes.note(NO_DESCRIPTOR);
      await secondsUntilRecovered();
    }
    expect(renewals).toHaveLength(1);
  });

  it("are let through after a delay that doubles up to a minute, so that nothing is replaced for ever", async () => {
    const delays: number[] = [];
    for (let failure = 0; failure < 9; failure++) {
      writes.note(FILE_EXISTS);
      delays.push(await secondsUntilRecovered());
    }
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it("count as the first ones after five minutes without any", async () => {
    writes.note(FILE_EXISTS);
    await secondsUntilRecovered();
    nowMs += 301_000;
    writes.note(FILE_EXISTS);
    expect(await secondsUntilRecovered()).toBe(1);
  });

  it("are not told by errors of statements", () => {
    for (const code of ["23505", "22001", "40001", "53200", "58P01"]) writes.note(databaseError(code));
    expect(writes.failure()).toBeNull();
  });

  it("are told by an errno without a SQLSTATE of its own too, such as a quota's", () => {
    const quota = 'could not extend file "base/5/16586": Quota exceeded';
    expect(isFileFailure(databaseError("XX000", quota))).toBe(true);
    expect(isFileFailure(databaseError("XX000", "cache lookup failed for relation 1"))).toBe(false);
  });
});
