import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32c } from "../../../src/infrastructure/pglite/integrity/crc32c.ts";

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The definition, one bit at a time. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe("crc32c", () => {
  it.each([
    ["32 bytes of zeros", new Uint8Array(32), 0x8a91_36aa],
    ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8_ab43],
    ["32 bytes that count up", Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd_794e],
    ["the digits from 1 to 9", new TextEncoder().encode("123456789"), 0xe306_9283],
    ["nothing", new Uint8Array(0), 0],
  ])("computes the published checksum of %s", (_, bytes, checksum) => {
    expect(crc32c(viewOf(bytes), 0, bytes.length)).toBe(checksum);
  });

  it("agrees with the definition for any part of any bytes, in one piece and in two", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), fc.nat(100), fc.nat(100), (bytes, a, b, c) => {
        const [start = 0, middle = 0, end = 0] = [a, b, c]
          .map((cut) => Math.min(cut, bytes.length))
          .toSorted((x, y) => x - y);
        const view = viewOf(bytes);
        const checksum = slowCrc32c(bytes.subarray(start, end));
        expect(crc32c(view, start, end)).toBe(checksum);
        expect(crc32c(view, middle, end, crc32c(view, start, middle))).toBe(checksum);
      }),
    );
  });
});
