import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import { openQuire, OUTAGE, type Overrides } from "./support.ts";

/** Overrides with the number of rows that each successive batch deletes. */
function removing(...batches: readonly number[]) {
  const left = [...batches];
  const asked: number[] = [];
  const deleteExpired = async () => {
    asked.push(left.length);
    return ok(left.shift() ?? 0);
  };
  const overrides: Overrides = {
    sessions: () => ({ deleteExpired }),
    idempotencyKeys: () => ({ deleteExpired }),
  };
  return { asked, overrides };
}

describe.each(["purgeExpiredSessions", "purgeExpiredIdempotencyKeys"] as const)("%s", (name) => {
  it("deletes batches until one is empty", async () => {
    const { asked, overrides } = removing(1000, 1000, 0);
    const { app } = await openQuire(overrides);
    expect(await app[name]()).toEqual(ok());
    expect(asked).toHaveLength(3);
  });

  it("stops between two batches when isStopping returns true", async () => {
    const { asked, overrides } = removing(1000, 1000, 1000);
    const { app } = await openQuire(overrides);
    expect(await app[name](() => asked.length === 2)).toEqual(ok());
    expect(asked).toHaveLength(2);
  });

  it("returns the failure of a batch", async () => {
    const deleteExpired = async () => err(OUTAGE);
    const { app } = await openQuire({
      sessions: () => ({ deleteExpired }),
      idempotencyKeys: () => ({ deleteExpired }),
    });
    expect(await app[name]()).toEqual(err(OUTAGE));
  });
});

describe("purgeExpiredSessions", () => {
  it("deletes batches until one is not full", async () => {
    const { asked, overrides } = removing(1000, 999, 1);
    const { app } = await openQuire(overrides);
    expect(await app.purgeExpiredSessions()).toEqual(ok());
    expect(asked).toHaveLength(2);
  });
});
