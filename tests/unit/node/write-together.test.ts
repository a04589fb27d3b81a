import { setImmediate as endOfTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { writeTogether } from "../../../src/interfaces/node/write-together.ts";

describe("writeTogether", () => {
  it("runs the writes of a turn in order, after the turn", async () => {
    const written: number[] = [];
    for (const number of [1, 2, 3]) writeTogether(() => written.push(number));
    await Promise.resolve();
    expect(written).toEqual([]);
    await endOfTurn();
    expect(written).toEqual([1, 2, 3]);
  });

  it("runs 16 writes at once, and each write only once", async () => {
    const written: number[] = [];
    for (let number = 1; number <= 15; number++) writeTogether(() => written.push(number));
    expect(written).toHaveLength(0);
    writeTogether(() => written.push(16));
    writeTogether(() => written.push(17));
    expect(written).toHaveLength(16);
    await endOfTurn();
    expect(written).toEqual(Array.from({ length: 17 }, (_, index) => index + 1));
  });

  it("runs a write that another write begins", async () => {
    const written: string[] = [];
    writeTogether(() => {
      written.push("outer");
      writeTogether(() => written.push("inner"));
    });
    await endOfTurn();
    await endOfTurn();
    expect(written).toEqual(["outer", "inner"]);
  });
});
