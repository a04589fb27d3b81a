/**
 * Selects the number of rows, and the sum of a part of the MD5 of each, so that the result does not depend on their order.
 *
 * @param row The SQL expression for the text of a row.
 */
export function countAndChecksum(row: string): string {
  return `count(*)::text, coalesce(sum(('x' || left(md5(${row}), 15))::bit(60)::bigint), 0)::text`;
}
