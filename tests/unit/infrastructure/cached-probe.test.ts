import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { StorageProbe } from "../../../src/application/ports/storage-probe.ts";
import { cachedProbe } from "../../../src/infrastructure/storage/cached-probe.ts";
import { testClock } from "../../../src/testing/fixtures.ts";

const READY = ok({ durability: "fsync", writable: true } as const);
const OUTDATED = err({ kind: "schema_outdated" } as const);

/** A probe whose checks end when the test ends them. */
function openProbe() {
  const clock = testClock();
  const checks: ((answer: Awaited<ReturnType<StorageProbe["check"]>>) => void)[] = [];
  const probe = cachedProbe({ check: async () => new Promise((settle) => checks.push(settle)) }, clock);
  return { clock, checks, probe };
}

describe("cachedProbe", () => {
  it("checks the storage once for all checks within 100 ms", async () => {
    const { clock, checks, probe } = openProbe();
    const asked = [probe.check(), probe.check()];
    clock.advance(99);
    asked.push(probe.check());
    expect(checks).toHaveLength(1);
    checks[0]?.(OUTDATED);
    expect(await Promise.all(asked)).toEqual([OUTDATED, OUTDATED, OUTDATED]);
  });

  it("does not wait for a check that hangs, and starts at most ten checks a second", async () => {
    const { clock, checks, probe } = openProbe();
    void probe.check();
    clock.advance(100);
    const later = [probe.check(), probe.check()];
    expect(checks).toHaveLength(2);
    checks[1]?.(OUTDATED);
    expect(await Promise.all(later)).toEqual([OUTDATED, OUTDATED]);
  });

  it("checks the storage again 100 ms after the end of the last check, and no sooner", async () => {
    const { clock, checks, probe } = openProbe();
    const first = probe.check();
    checks[0]?.(OUTDATED);
    await first;
    clock.advance(99);
    expect(await probe.check()).toEqual(OUTDATED);
    clock.advance(1);
    const second = probe.check();
    checks[1]?.(READY);
    expect(await second).toEqual(READY);
    expect(checks).toHaveLength(2);
  });

  it("checks the storage again when the clock was set back", async () => {
    const { clock, checks, probe } = openProbe();
    const first = probe.check();
    checks[0]?.(READY);
    await first;
    clock.advance(-10_000);
    void probe.check();
    expect(checks).toHaveLength(2);
  });

  it("checks the storage again after a check that threw", async () => {
    let asked = 0;
    const clock = testClock();
    const probe = cachedProbe(
      { check: async () => (++asked === 1 ? Promise.reject(new Error("down")) : READY) },
      clock,
    );
    await expect(probe.check()).rejects.toThrow("down");
    clock.advance(100);
    expect(await probe.check()).toEqual(READY);
  });
});
