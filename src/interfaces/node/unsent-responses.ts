import { excessOf, type ByteBound, type Holding } from "./byte-bound.ts";
import type { Exchange } from "./connections.ts";

interface UnsentResponse extends Holding {
  readonly exchange: Exchange;
}

export interface UnsentResponses {
  /** Counts the bytes of a response until they are sent. Above the bound, the longest waiting connections are destroyed. */
  hold(exchange: Exchange, address: string | null, bytes: number): void;
  /** Whether there is room for responses of new requests: in total, and for an address. */
  hasRoom(): boolean;
  hasRoomFor(address: string): boolean;
}

/** From this share of a bound on, new requests are refused, so that a connection is hardly ever destroyed. */
const ADMITTED_SHARE = 0.5;

/** Bounds the memory of responses that clients do not read (backpressure). */
export function unsentResponses(bound: ByteBound): UnsentResponses {
  const held = new Set<UnsentResponse>();
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

  const release = (answer: UnsentResponse) => {
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
