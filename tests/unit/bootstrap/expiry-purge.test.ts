import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import { startExpiryPurge } from "../../../src/bootstrap/background/expiry-purge.ts";
import { backgroundWork } from "../../../src/bootstrap/background/background-work.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";
import { testApp } from "../../../src/testing/test-app.ts";
import { eventually } from "../../faults/watching.ts";

const OUTAGE: StorageFailure = {
  kind: "storage_failure",
  reason: "unavailable",
  isTransient: true,
  operation: "test",
  cause: new Error("it broke"),
};

/** A purge of sessions that the test ends. */
function heldUp() {
  const events: string[] = [];
  let release = () => {};
  const held = new Promise<void>((settle) => (release = settle));
  const useCases = {
    purgeExpiredSessions: async () => {
      await held;
      events.push("sessions");
      return ok();
    },
    purgeExpiredIdempotencyKeys: async () => {
      events.push("keys");
      return ok();
    },
  };
  return { events, release, useCases };
}

describe("startExpiryPurge", () => {
  it("waits for the current step when it is stopped, and starts no further step", async () => {
    const { events, release, useCases } = heldUp();
    const stopped = startExpiryPurge(useCases, recordingLog())
      .stop()
      .then(() => events.push("stopped"));
    await new Promise((settle) => setImmediate(settle));
    expect(events).toEqual([]);
    release();
    await stopped;
    expect(events).toEqual(["sessions", "stopped"]);
  });

  it("stops the purge of keys between two batches", async () => {
    const asked: boolean[] = [];
    const purge = startExpiryPurge(
      {
        purgeExpiredSessions: async () => ok(),
        purgeExpiredIdempotencyKeys: async (isStopping) => {
          asked.push(isStopping?.() === true);
          await new Promise((settle) => setImmediate(settle));
          asked.push(isStopping?.() === true);
          return ok();
        },
      },
      recordingLog(),
    );
    await Promise.resolve();
    await Promise.resolve();
    await purge.stop();
    expect(asked).toEqual([false, true]);
  });

  it("logs a warning for a failure and continues", async () => {
    const log = recordingLog();
    let keys = 0;
    const purge = startExpiryPurge(
      {
        purgeExpiredSessions: async () => err(OUTAGE),
        purgeExpiredIdempotencyKeys: async () => (keys++, err(OUTAGE)),
        purgeRateLimits: async () => err(OUTAGE),
      },
      log,
    );
    await new Promise((settle) => setImmediate(settle));
    await purge.stop();
    expect(keys).toBe(1);
    expect(log.lines.map(({ level }) => level)).toEqual(["warn", "warn", "warn"]);
  });

  it("deletes the ended rate limits of a storage that counts them, as a part of the background work", async () => {
    const purgedAt: Date[] = [];
    const { storage, useCases, log } = testApp();
    const purgeRateLimits = async (now: Date) => {
      purgedAt.push(now);
      return ok();
    };
    const work = backgroundWork({ ...storage, purgeRateLimits }, log).start(useCases);
    await eventually("the purge has run", () => purgedAt.length === 1);
    await work.stop();
    expect(purgedAt).toEqual([expect.any(Date)]);
  });
});
