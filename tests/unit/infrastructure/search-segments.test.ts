import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCK_ROWS, blockOf, segmentOf, segmentsWithin } from "../../../src/infrastructure/drizzle/search/segments.ts";

describe("the segments of a range of ordinals", () => {
  it("are those of its rows, the newest first, without their blocks when all are in the range", () => {
    expect(segmentsWithin({ from: 3_584, to: 8_704 })).toEqual([
      { segment: 2, blocks: ["2@0"] },
      { segment: 1, blocks: null },
      { segment: 0, blocks: ["0@7"] },
    ]);
  });

  it("have the blocks of exactly the rows of the range", () => {
    const blocks = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(blocks, blocks, blocks, (first, more, other) => {
        const range = { from: first * BLOCK_ROWS, to: (first + more + 1) * BLOCK_ROWS };
        const parts = segmentsWithin(range);
        const ordinal = other * BLOCK_ROWS;
        const part = parts.find(({ segment }) => segment === segmentOf(ordinal));
        const isFound = part !== undefined && (part.blocks?.includes(blockOf(ordinal)) ?? true);
        expect(isFound).toBe(ordinal >= range.from && ordinal < range.to);
      }),
    );
  });
});
