/** A position in the write-ahead log: the number of its bytes before it (PostgreSQL 18, access/xlogdefs.h). */
export type Lsn = bigint;

/** Reads a position as PostgreSQL writes it, such as `0/16EF9D0`; `null` when the text is none. */
export function parseLsn(text: string): Lsn | null {
  const halves = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  return halves === null ? null : (BigInt(`0x${halves[1]}`) << 32n) | BigInt(`0x${halves[2]}`);
}

/** Writes a position as PostgreSQL does. */
export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase();
}
