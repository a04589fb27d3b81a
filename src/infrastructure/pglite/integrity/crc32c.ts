/** The polynomial of CRC-32C with its bits reversed (RFC 3720, appendix B.4). */
const POLYNOMIAL = 0x82f6_3b78;

/** The effect of a byte on the checksum when 0 to 7 bytes follow it: eight tables in sequence (slicing-by-8). */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let index = 256; index < tables.length; index += 1) {
    const shorter = tables[index - 256] ?? 0;
    tables[index] = (shorter >>> 8) ^ (tables[shorter & 0xff] ?? 0);
  }
  return tables;
}

/** The effect of the low byte of `value` when `following` bytes follow it. */
function effect(following: number, value: number): number {
  return TABLES[(following << 8) | (value & 0xff)] as number;
}

/**
 * The CRC-32C of the bytes from `start` (inclusive) to `end` (exclusive), continued from the checksum of the bytes
 * before them. Most records of a log have at most a hundred bytes. A call into native code takes longer than such a
 * record takes here, at eight bytes per step.
 */
export function crc32c(view: DataView, start: number, end: number, before = 0): number {
  let crc = ~before;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const first = view.getUint32(at, true) ^ crc;
    const second = view.getUint32(at + 4, true);
    const firstHalf = effect(7, first) ^ effect(6, first >>> 8) ^ effect(5, first >>> 16) ^ effect(4, first >>> 24);
    const secondHalf =
      effect(3, second) ^ effect(2, second >>> 8) ^ effect(1, second >>> 16) ^ effect(0, second >>> 24);
    crc = firstHalf ^ secondHalf;
  }
  for (; at < end; at += 1) crc = effect(0, crc ^ view.getUint8(at)) ^ (crc >>> 8);
  return ~crc >>> 0;
}
