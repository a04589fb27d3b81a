/** The sizes of a block of ordinals, as powers of two: 512, 4,096 and 32,768 rows. A row has a lexeme for its block of each size. */
const BLOCK_BITS = [9, 12, 15] as const;

/** The ordinals from `from` to, but not including, `to`. Both are multiples of {@link BLOCK_ROWS}. */
export interface OrdinalRange {
  readonly from: number;
  readonly to: number;
}

/** The number of rows of the smallest block. */
export const BLOCK_ROWS = 2 ** BLOCK_BITS[0];

/** The lexemes of the blocks of an ordinal. */
export function blocksOf(ordinal: number): readonly string[] {
  return BLOCK_BITS.map((bits, size) => lexemeOf(size, Math.floor(ordinal / 2 ** bits)));
}

/** The lexemes of the fewest blocks that make up the range. */
export function blocksWithin({ from, to }: OrdinalRange): readonly string[] {
  const blocks: string[] = [];
  for (let at = from; at < to;) {
    const size = BLOCK_BITS.findLastIndex((bits) => at % 2 ** bits === 0 && at + 2 ** bits <= to);
    const bits = BLOCK_BITS[size];
    if (bits === undefined) throw new Error(`A range of ordinals begins or ends within a block: ${from} to ${to}.`);
    blocks.push(lexemeOf(size, at / 2 ** bits));
    at += 2 ** bits;
  }
  return blocks;
}

/** The lexeme of a block. No term of a post begins with `@`. */
function lexemeOf(size: number, block: number): string {
  return `@${size}_${block}`;
}
