import { describe, expect, it } from "vitest";
import type { Clock } from "../application/ports/clock.ts";

/** The contract of a Clock that shows the current time. */
export function clockContract(name: string, clock: Clock): void {
  describe(`Clock of ${name}`, () => {
    it("returns the current time to the millisecond", () => {
      const before = Date.now();
      const now = clock.now();
      expect(now).toBeInstanceOf(Date);
      expect(Number.isInteger(now.getTime())).toBe(true);
      expect(now.getTime()).toBeGreaterThanOrEqual(before);
      expect(now.getTime()).toBeLessThanOrEqual(Date.now());
    });

    it("does not share the Date objects that it returns", () => {
      const before = Date.now();
      clock.now().setTime(0);
      expect(clock.now().getTime()).toBeGreaterThanOrEqual(before);
    });
  });
}
