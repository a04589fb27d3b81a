import { describe, expect, it } from "vitest";
import type { Clock } from "../../../src/application/ports/clock.ts";

/** What every Clock of the present promises. */
export function clockContract(name: string, clock: Clock): void {
  describe(`Clock of ${name}`, () => {
    it("tells the present moment to the millisecond", () => {
      const before = Date.now();
      const now = clock.now();
      expect(now).toBeInstanceOf(Date);
      expect(Number.isInteger(now.getTime())).toBe(true);
      expect(now.getTime()).toBeGreaterThanOrEqual(before);
      expect(now.getTime()).toBeLessThanOrEqual(Date.now());
    });

    it("is not changed by a change of a moment that it gave", () => {
      const before = Date.now();
      clock.now().setTime(0);
      expect(clock.now().getTime()).toBeGreaterThanOrEqual(before);
    });
  });
}
