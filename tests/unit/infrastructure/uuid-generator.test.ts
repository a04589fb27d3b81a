import { afterEach, describe, expect, it, vi } from "vitest";
import type { UserId } from "../../../src/domain/shared/id.ts";
import { uuidGenerator } from "../../../src/infrastructure/node/uuid-generator.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const many = (count: number) => Array.from({ length: count }, () => uuidGenerator.next<UserId>());
const strictlyGrow = (ids: readonly string[]) => ids.every((id, i) => i === 0 || (ids[i - 1] ?? "") < id);

describe("uuidGenerator", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("gives UUIDs of version 7 in lower case", () => {
    for (const id of many(100)) expect(id).toMatch(UUID_V7);
  });

  it("gives 10,000 in a row that strictly grow", () => {
    expect(strictlyGrow(many(10_000))).toBe(true);
  });

  it("gives 10,000 within one millisecond that strictly grow", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    expect(strictlyGrow(many(10_000))).toBe(true);
  });

  it("goes on growing when the clock is set back", () => {
    const before = many(1);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 3_600_000 });
    expect(strictlyGrow([...before, ...many(1_000)])).toBe(true);
  });

  it("begins with the milliseconds of the present", () => {
    const now = Date.now() + 60_000;
    vi.useFakeTimers({ toFake: ["Date"], now });
    expect(Number.parseInt(uuidGenerator.next<UserId>().replaceAll("-", "").slice(0, 12), 16)).toBe(now);
  });
});
