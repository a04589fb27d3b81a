/**
 * Rows of the index belong to segments of 4,096 consecutive ordinals. Every lexeme begins with the number of its segment. New rows
 * are in the last segment, so merging them changes a small part of the index, whatever the number of posts.
 */
const SEGMENT_BITS = 12;
/** A row has a lexeme for its block within the segment, for scans of a part of it. */
const BLOCK_BITS = 9;

/** The number of rows of a block. */
export const BLOCK_ROWS = 2 ** BLOCK_BITS;
const BLOCKS_OF_SEGMENT = 2 ** (SEGMENT_BITS - BLOCK_BITS);

/** Stands for the number of the segment in the text of a condition. No term contains a control character. */
export const ANY_SEGMENT = "\u0001";

/** The number of a row's segment. */
export const segmentOf = (ordinal: number) => Math.floor(ordinal / 2 ** SEGMENT_BITS);
/** The same in SQL. */
export const SEGMENT_SQL = `(ordinal >> ${SEGMENT_BITS})`;

/** The ordinals from `from` to, but not including, `to`. Both are multiples of {@link BLOCK_ROWS}. */
export interface OrdinalRange {
  readonly from: number;
  readonly to: number;
}

/** A segment within a range: its number, and the lexemes of its blocks in the range, or `null` if it is within the range as a whole. */
interface SegmentPart {
  readonly segment: number;
  readonly blocks: readonly string[] | null;
}

/** The segments of a range, the newest first. */
export function segmentsWithin({ from, to }: OrdinalRange): readonly SegmentPart[] {
  const parts: SegmentPart[] = [];
  for (let segment = segmentOf(to - 1); segment >= segmentOf(from); segment--) {
    const first = segment * BLOCKS_OF_SEGMENT;
    const [low, high] = [Math.max(first, from / BLOCK_ROWS), Math.min(first + BLOCKS_OF_SEGMENT, to / BLOCK_ROWS)];
    const blocks = Array.from({ length: high - low }, (_, n) => blockLexeme(low + n));
    parts.push({ segment, blocks: blocks.length === BLOCKS_OF_SEGMENT ? null : blocks });
  }
  return parts;
}

/** The lexeme of the block of a row. */
export function blockOf(ordinal: number): string {
  return blockLexeme(Math.floor(ordinal / BLOCK_ROWS));
}

/** It begins with its segment as all lexemes do, but not with the namespace of a status. */
function blockLexeme(block: number): string {
  return `${Math.floor(block / BLOCKS_OF_SEGMENT)}@${block % BLOCKS_OF_SEGMENT}`;
}
