import { excessOf, type ByteBound, type Holding } from "./byte-bound.ts";
import type { Exchange } from "./connections.ts";

interface UnsentAnswer extends Holding {
  readonly exchange: Exchange;
}

export interface UnsentAnswers {
  /** Counts bytes of an answer until they are sent. Over the bound, the connections that have waited longest are cut. */
  hold(exchange: Exchange, address: string | null, bytes: number): void;
  /** Whether there is room for the answers of new requests: over all, and for an address. */
  hasRoom(): boolean;
  hasRoomFor(address: string): boolean;
}

/** New requests are refused from this share of a bound on, so that it is hardly ever necessary to cut a connection. */
const ADMITTED_SHARE = 0.5;

/** Bounds the memory of answers that clients do not read. */
export function unsentAnswers(bound: ByteBound): UnsentAnswers {
  const held = new Set<UnsentAnswer>();
  const bytesByAddress = new Map<string, number>();
  let allBytes = 0;

  const count = (address: string | null, bytes: number): number => {
    allBytes += bytes;
    if (address === null) return 0;
    const ofAddress = (bytesByAddress.get(address) ?? 0) + bytes;
    if (ofAddress === 0) bytesByAddress.delete(address);
    else bytesByAddress.set(address, ofAddress);
    return ofAddress;
  };

  const release = (answer: UnsentAnswer) => {
    if (held.delete(answer)) count(answer.address, -answer.bytes);
  };

  return {
    hold: (exchange, address, bytes) => {
      if (exchange.isEnded) return;
      const answer = { exchange, address, bytes };
      held.add(answer);
      const ofAddress = count(address, bytes);
      exchange.atEnd(() => release(answer));
      if (allBytes <= bound.maxBytes && ofAddress <= bound.maxBytesPerAddress) return;
      for (const excess of excessOf(held, bound)) {
        release(excess);
        excess.exchange.connection.socket.destroy();
      }
    },
    hasRoom: () => allBytes <= bound.maxBytes * ADMITTED_SHARE,
    hasRoomFor: (address) => (bytesByAddress.get(address) ?? 0) <= bound.maxBytesPerAddress * ADMITTED_SHARE,
  };
}
