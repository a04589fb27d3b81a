/** A log sequence number: a byte position in the write-ahead log (PostgreSQL 18, access/xlogdefs.h). */
export type Lsn = bigint;

/** Parses an LSN such as `0/16EF9D0`; `null` for any other text. */
export function parseLsn(text: string): Lsn | null {
  const halves = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  return halves === null ? null : (BigInt(`0x${halves[1]}`) << 32n) | BigInt(`0x${halves[2]}`);
}

/** Formats an LSN as PostgreSQL does. */
export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase();
}
