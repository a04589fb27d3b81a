import { BLOCK_ROWS, type OrdinalRange } from "./segments.ts";
import { MAX_SCANNED_ROWS, type ScannedRows } from "./step-statement.ts";

/**
 * The way of a scan through the index, from the newest rows to the oldest, in ranges of ordinals. A range is as large as the density
 * of the matches allows: a rare word is sought in the whole index at once, and a common one in the newest rows.
 */
export interface Walk {
  /** The range of the next step; `null` when all rows down to the ordinal `lowest` have been scanned. */
  next(lowest: number): OrdinalRange | null;
  /** The rows of the next step have lower ordinals. All rows from this one on have been scanned. */
  below(): number;
  /** Moves past the rows of a step. */
  advance(range: OrdinalRange, rows: ScannedRows): void;
}

/** The maximum number of matches that a range is expected to have, well below the number of rows that a step may return. */
const MAX_EXPECTED_MATCHES = MAX_SCANNED_ROWS / 4;
/** The expected matches for each wanted row, so that a range with fewer than expected has enough. */
const EXPECTED_FOR_ONE = 1.5;
/** The growth of a range in which nothing was found. */
const GROWTH = 8;
/** The part of a range with too many rows that is scanned instead. */
const SHRINKAGE = 4;

export interface WalkOptions {
  /** The number of rows of the first range. */
  readonly firstRows: number;
  /** The maximum number of rows of a range, which bounds the entries of the index that a step reads. */
  readonly maxRows: number;
  /** The number of matches that a step takes. */
  readonly wanted: number;
}

export function walkDown(lastOrdinal: number, { firstRows, maxRows, wanted }: WalkOptions): Walk {
  const most = Math.min(MAX_EXPECTED_MATCHES, EXPECTED_FOR_ONE * wanted);
  let below = lastOrdinal + 1;
  let rows = firstRows;

  return {
    below: () => below,
    next: (lowest) => {
      if (below <= Math.max(1, lowest)) return null;
      const to = ceil(below);
      const from = to - ceil(Math.min(rows, maxRows));
      return { from: Math.max(0, from, ceil(lowest + 1) - BLOCK_ROWS), to };
    },
    advance: (range, { isTooMany, readTo, matches }) => {
      const size = range.to - range.from;
      if (isTooMany) {
        rows = Math.max(BLOCK_ROWS, size / SHRINKAGE);
        return;
      }
      below = readTo ?? range.from;
      const expected = matches === 0 ? Infinity : (most * size) / matches;
      rows = Math.max(BLOCK_ROWS, Math.min(GROWTH * GROWTH * size, expected));
    },
  };
}

function ceil(ordinal: number): number {
  return Math.ceil(ordinal / BLOCK_ROWS) * BLOCK_ROWS;
}
