import { afterEach, describe, expect, it, vi } from "vitest";
import type { IdGenerator } from "../application/ports/id-generator.ts";
import type { UserId } from "../domain/shared/id.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const HOUR_MS = 3_600_000;

const areAscending = (ids: readonly string[]) => ids.every((id, i) => i === 0 || (ids[i - 1] ?? "") < id);

/** The contract of every IdGenerator. */
export function idGeneratorContract(name: string, generator: IdGenerator): void {
  describe(`IdGenerator of ${name}`, () => {
    const many = (count: number) => Array.from({ length: count }, () => generator.next<UserId>());

    afterEach(() => {
      vi.useRealTimers();
    });

    it("returns UUIDs of version 7 in lower case", () => {
      for (const id of many(100)) expect(id).toMatch(UUID_V7);
    });

    it("returns 10,000 ids in ascending order", () => {
      expect(areAscending(many(10_000))).toBe(true);
    });

    it("returns 10,000 ids of the same millisecond in ascending order", () => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
      expect(areAscending(many(10_000))).toBe(true);
    });

    it("keeps the order when the clock is set back", () => {
      const before = many(1);
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - HOUR_MS });
      expect(areAscending([...before, ...many(1_000)])).toBe(true);
    });

    it("starts an id with the current time in milliseconds", () => {
      const now = Date.now() + HOUR_MS;
      vi.useFakeTimers({ toFake: ["Date"], now });
      expect(Number.parseInt(generator.next<UserId>().replaceAll("-", "").slice(0, 12), 16)).toBe(now);
    });
  });
}
