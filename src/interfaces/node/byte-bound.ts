/** Bytes in memory on behalf of a client. */
export interface Holding {
  /** The client address; `null` counts for the total only. */
  readonly address: string | null;
  readonly bytes: number;
}

export interface ByteBound {
  readonly maxBytes: number;
  readonly maxBytesPerAddress: number;
}

/**
 * Selects the holdings to drop so that the rest is within a bound: first the oldest of each address above its own
 * bound, then the oldest of the address with the most bytes. So a client with many bytes loses its own holdings, and other
 * clients keep theirs.
 */
export function excessOf<AHolding extends Holding>(
  oldestFirst: Iterable<AHolding>,
  { maxBytes, maxBytesPerAddress }: ByteBound,
): AHolding[] {
  const shares = new Map<string | null, Share<AHolding>>();
  let bytes = 0;
  for (const holding of oldestFirst) {
    const share = shares.get(holding.address) ?? { bytes: 0, holdings: [] };
    shares.set(holding.address, share);
    share.holdings.push(holding);
    share.bytes += holding.bytes;
    bytes += holding.bytes;
  }
  if (bytes <= Math.min(maxBytes, maxBytesPerAddress)) return [];

  const excess: AHolding[] = [];
  for (const [address, share] of shares) {
    if (address !== null) excess.push(...dropOldest(share, share.bytes - maxBytesPerAddress));
  }
  for (let over = bytes - sumOf(excess) - maxBytes; over > 0;) {
    const given = dropOldest(largestOf(shares.values()), 1);
    over -= sumOf(given);
    excess.push(...given);
  }
  return excess;
}

interface Share<AHolding> {
  bytes: number;
  readonly holdings: AHolding[];
}

/** Removes the oldest holdings from a share until they sum up to this number of bytes. */
function dropOldest<AHolding extends Holding>(share: Share<AHolding>, bytes: number): AHolding[] {
  const given: AHolding[] = [];
  for (let rest = bytes; rest > 0;) {
    const oldest = share.holdings.shift();
    if (oldest === undefined) break;
    given.push(oldest);
    rest -= oldest.bytes;
    share.bytes -= oldest.bytes;
  }
  return given;
}

function largestOf<AHolding>(shares: Iterable<Share<AHolding>>): Share<AHolding> {
  return Array.from(shares).reduce((largest, share) => (share.bytes > largest.bytes ? share : largest));
}

function sumOf(holdings: readonly Holding[]): number {
  return holdings.reduce((sum, { bytes }) => sum + bytes, 0);
}
